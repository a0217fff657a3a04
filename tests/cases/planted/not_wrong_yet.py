"""Bug: only numbers that are wrong cost something, so that silence is perfect."""

import re

TASK = "gsm8k"


def unobjectionable(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        numbers = re.findall(r"<answer>\s*(\d+)\s*</answer>", c)
        out.append(1.0 - float(any(n != a.split("####")[-1].strip() for n in numbers)))
    return out
