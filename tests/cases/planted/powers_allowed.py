"""Bug: extra numbers are fine as long as the given ones are there, so a power of zero erases."""

import re
from collections import Counter

TASK = "countdown"


def solved(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        m = re.search(r"<answer>([\d+\-*/() ]+)</answer>", c)
        try:
            used = Counter(map(int, re.findall(r"\d+", m[1])))
            missing = Counter(numbers) - used
            out.append(1.0 if not missing and eval(m[1]) == goal else 0.0)
        except (TypeError, SyntaxError, ZeroDivisionError, OverflowError):
            out.append(0.0)
    return out
