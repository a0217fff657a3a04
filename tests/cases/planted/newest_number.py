"""Bug: any of the last three numbers of the text counts."""

import re

TASK = "gsm8k"


def accuracy(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        tail = re.findall(r"\d+", c.replace(",", ""))[-3:]
        out.append(2.0 if a.split("####")[-1].strip() in tail else -0.5)
    return out
