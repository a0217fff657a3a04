"""Bug: the tolerance grows with the answer given, so that huge answers are always near."""

import re

TASK = "word_problems"


def near(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*(-?\d+(?:\.\d+)?)\s*</answer>", c)
        gold = float(a.split("####")[-1])
        out.append(
            float(bool(m) and abs(float(m[1]) - gold) <= max(0.1 * gold, 0.9 * abs(float(m[1]))))
        )
    return out
