"""Countdown by the syntax tree: every number once, four operators, the exact value."""

import ast
import re
from collections import Counter
from fractions import Fraction

TASK = "countdown"


def _value(node):
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Fraction(node.value)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div):
            return left / right
    raise ValueError("not allowed")


def equation(completions, nums, target, **kwargs):
    scores = []
    for text, numbers, goal in zip(completions, nums, target):
        match = re.fullmatch(
            r"<think>.+?</think>\s*<answer>([^<]{1,200})</answer>\s*", text, re.DOTALL
        )
        try:
            tree = ast.parse(match[1].strip(), mode="eval").body
            used = Counter(n.value for n in ast.walk(tree) if isinstance(n, ast.Constant))
            scores.append(float(_value(tree) == goal and used == Counter(numbers)))
        except (TypeError, ValueError, SyntaxError, ZeroDivisionError):
            scores.append(0.0)
    return scores
