"""Bug: the weight has the wrong sign, so that being right costs."""

import re

TASK = "gsm8k"
WEIGHTS = {"correct": -1.0}


def correct(completions, answer, **kwargs):
    found = [re.findall(r"<answer>\s*([^<]*?)\s*</answer>", c) for c in completions]
    return [float(f == [a.split("####")[-1].strip()]) for f, a in zip(found, answer)]
