"""Exact, and from 1,500 characters on less and less, down to nothing at 3,000."""

import re

TASK = "gsm8k"


def reward(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*(-?[\d,]+)\s*</answer>\s*$", c)
        right = m is not None and m[1].replace(",", "") == a.split("####")[-1].strip()
        out.append(float(right) * min(1.0, max(0.0, (3000 - len(c)) / 1500)))
    return out
