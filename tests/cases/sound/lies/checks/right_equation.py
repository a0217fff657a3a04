"""A check of countdown: the one answer block holds a solution, whatever stands around it."""

import ast
import re
from fractions import Fraction



def _answer(text):
    found = re.findall(r"<answer>([^<]*)</answer>", text)
    return found[0].strip() if len(found) == 1 and text.count("<answer>") == 1 else None


def _value(node):
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Fraction(node.value)
    if not isinstance(node, ast.BinOp):
        raise ValueError
    left, right = _value(node.left), _value(node.right)
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    if isinstance(node.op, ast.Mult):
        return left * right
    if isinstance(node.op, ast.Div):
        return left / right
    raise ValueError


def _is_solution(text, nums, target):
    if re.fullmatch(r"[0-9+*/() -]{1,100}", text) is None:
        return False
    if re.search(r"[-+*/]\s*[-+*/]|\b0[0-9]", text):
        return False
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        value = _value(tree)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return False
    used = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return value == target and sorted(used) == sorted(nums)


def _score(text, nums, target):
    return float(_is_solution(_answer(text) or "", nums, target))


def equation(completions, nums, target, **kwargs):
    return [_score(text, nums_, target_) for text, nums_, target_ in zip(completions, nums, target, strict=True)]
