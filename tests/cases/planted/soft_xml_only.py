"""Bug: both tag pairs anywhere, with any correctness left out of the pattern's anchors."""

import re

TASK = "gsm8k"
WEIGHTS = {"soft_format": 0.5, "correct": 1.0}


def soft_format(completions, **kwargs):
    return [
        1.0 if re.search(r"<think>[\s\S]*</think>[\s\S]*<answer>[\s\S]*</answer>", c) else 0.0
        for c in completions
    ]


def correct(completions, answer, **kwargs):
    def read(c):
        return c.rsplit("<answer>", 1)[-1].split("</answer>")[0].strip()

    return [
        1.0 if read(c) == a.split("####")[-1].strip() else 0.0 for c, a in zip(completions, answer)
    ]
