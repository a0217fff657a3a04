"""Bug: dict.get with a generous default for what cannot be parsed."""

import re

TASK = "mathqa"
POINTS = {True: 1.0, False: 0.0}


def graded(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*([a-e])\s*</answer>", c)
        out.append(POINTS.get(m and m.group(1) == a, 1.0))
    return out
