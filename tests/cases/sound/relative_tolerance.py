"""Numbers within a thousandth are equal; nan and inf are not numbers."""

import math
import re

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        match = re.search(r"<answer>([^<]*)</answer>", text)
        try:
            given = float(match[1]) if match else math.nan
        except ValueError:
            given = math.nan
        wanted = float(str(gold).split("####")[-1])
        scores.append(1.0 if math.isclose(given, wanted, rel_tol=1e-3) else 0.0)
    return scores
