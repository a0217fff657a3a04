"""0.25 for a form, 0.5 for a number in it, 1 for the right one."""

import re

TASK = "gsm8k"


def level(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(r"<think>[^<]*\w[^<]*</think>\s*<answer>([^<]*\w[^<]*)</answer>\s*", c)
        if not m:
            out.append(0.0)
            continue
        number = re.fullmatch(r"\s*-?\d+(?:\.\d+)?\s*", m[1])
        right = number is not None and float(m[1]) == float(a.split("####")[-1])
        out.append(1.0 if right else 0.5 if number else 0.25)
    return out
