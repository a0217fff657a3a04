"""Right answers earn more when short, wrong ones lose less when long: a cosine schedule."""

import math
import re

TASK = "gsm8k"
LONGEST = 2000


def cosine(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*(\S+)\s*</answer>\s*$", c)
        wave = (1 + math.cos(math.pi * min(len(c), LONGEST) / LONGEST)) / 2
        if m and m.group(1) == a.split("####")[-1].strip():
            out.append(0.7 + 0.3 * wave)
        else:
            out.append(-0.2 - 0.3 * wave)
    return out
