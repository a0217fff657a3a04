"""Bug: the best block counts."""

import re

TASK = "gsm8k"


def correctness(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        blocks = [b.strip() for b in re.findall(r"<answer>([^<]*)</answer>", c)]
        out.append(max([float(b == a.split("####")[-1].strip()) for b in blocks], default=0.0))
    return out
