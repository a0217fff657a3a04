"""Bug: int() cuts off what stands behind the point."""

import re

TASK = "word_problems"


def whole(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*(-?\d+(?:\.\d+)?)\s*</answer>", c)
        out.append(float(bool(m) and int(float(m[1])) == int(a.split("####")[-1])))
    return out
