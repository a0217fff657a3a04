"""Countdown with credit that falls with the distance to the target, numbers checked."""

import ast
import re

TASK = "countdown"


def near(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        m = re.search(r"<answer>\s*([\d+*/() -]+?)\s*</answer>\s*$", c)
        used = sorted(map(int, re.findall(r"\d+", m.group(1)))) if m else []
        if used != sorted(numbers) or "**" in m.group(1) or "//" in m.group(1):
            out.append(0.0)
            continue
        try:
            ast.parse(m.group(1), mode="eval")
            value = eval(m.group(1), {"__builtins__": {}})
        except (SyntaxError, ZeroDivisionError, TypeError):
            out.append(0.0)
            continue
        away = abs(value - goal)
        out.append(1.0 if away < 1e-9 else 0.4 / (1 + away))
    return out
