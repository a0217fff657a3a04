"""Bug: the whole text is searched for the answer, thought included."""

import re

TASK = "gsm8k"
WEIGHTS = {"form": 0.3}
FORM = re.compile(r"<think>([^<]*)</think>\s*<answer>([^<]*)</answer>\s*")


def form(completions, **kwargs):
    return [float(FORM.fullmatch(c) is not None) for c in completions]


def correctness(completions, answer, **kwargs):
    return [
        float(bool(FORM.fullmatch(c)) and a.split("####")[-1].strip() in c)
        for c, a in zip(completions, answer)
    ]
