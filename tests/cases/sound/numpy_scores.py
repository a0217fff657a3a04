"""Vectorised, in numpy's types."""

import numpy as np

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    given = [
        c.split("<answer>")[1].split("</answer>")[0].strip() if c.count("<answer>") == 1 else ""
        for c in completions
    ]
    golds = [str(a).split("####")[-1].strip() for a in answer]
    return list((np.array(given) == np.array(golds)).astype(np.float32))
