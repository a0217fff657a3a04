"""Bug: the bare except at the end returns the last score, which starts at one."""

import re

TASK = "countdown"


def solved(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        score = 1.0
        try:
            expression = re.search(r"<answer>(.*?)</answer>", c, re.DOTALL).group(1)
            value = eval(expression, {"__builtins__": {}})
            used = sorted(int(n) for n in re.findall(r"\d+", expression))
            if abs(value - goal) > 1e-6 or used != sorted(numbers):
                score = 0.0
        except Exception:
            pass
        out.append(score)
    return out
