"""Bug: the value is rounded before it is compared with the target."""

import re

TASK = "countdown"


def solved(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        m = re.search(r"<answer>([\d+\-*/() ]+)</answer>\s*$", c)
        try:
            used = sorted(map(int, re.findall(r"\d+", m[1])))
            out.append(float(used == sorted(numbers) and round(eval(m[1]), -1) == round(goal, -1)))
        except (TypeError, SyntaxError, ZeroDivisionError):
            out.append(0.0)
    return out
