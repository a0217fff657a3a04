"""Countdown with a bonus for coming near only where all numbers are used, through Python's ast."""

import ast
import operator
import re
from collections import Counter

TASK = "countdown"
APPLY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _run(node):
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int)
        and not isinstance(node.value, bool)
    ):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in APPLY:
        return APPLY[type(node.op)](_run(node.left), _run(node.right))
    raise ValueError("not allowed")


def equation(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        m = re.search(r"<answer>([^<]{1,120})</answer>\s*$", c)
        try:
            tree = ast.parse(m[1].strip(), mode="eval").body if m else None
            used = (
                Counter(n.value for n in ast.walk(tree) if isinstance(n, ast.Constant))
                if tree
                else None
            )
            if used != Counter(numbers):
                out.append(0.0)
                continue
            away = abs(_run(tree) - goal)
        except (ValueError, SyntaxError, ZeroDivisionError, OverflowError):
            out.append(0.0)
            continue
        out.append(1.0 if away < 1e-9 else 0.3 if away < 1 else 0.2 if away < 10 else 0.1)
    return out
