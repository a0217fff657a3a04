"""Right answers by how near their length is to 200 characters."""

import math
import re

TASK = "word_problems"


def shaped(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(r"(?s)(?:(?!<answer>).)*<answer>\s*([\d.]+)\s*</answer>\s*", c)
        right = bool(m) and m[1] == a.split("####")[-1].strip()
        out.append(float(right) * (0.5 + 0.5 * math.exp(-(((len(c) - 200) / 400) ** 2))))
    return out
