"""A number with or without a unit behind it."""

import re

TASK = "word_problems"


def right(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*\$?(-?\d+(?:\.\d+)?)\s?[a-z]*\s*</answer>\s*\Z", c)
        out.append(1.0 if m and float(m[1]) == float(a.split("####")[-1]) else 0.0)
    return out
