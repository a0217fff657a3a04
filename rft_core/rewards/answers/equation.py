"""Countdown's equation: every number exactly once, only + - * / and parentheses, hits the target.

The rules, all of them:
- The answer is what stands in the one <answer> block. Two blocks score 0.
- It is an expression, not an equation: with "=" in it, it scores 0, whatever stands beside it.
- Only ASCII digits, + - * /, parentheses and white space. No 5_0, 0x32, 050 or 5.2.
- Two operators never stand side by side (so no **, //, --). One minus may open the expression or
  a parenthesis: -9 + 74 - 15.
- At most 256 characters and 50 nested parentheses, checked before anything is parsed.
The value is computed with exact fractions from the syntax tree. Nothing is ever evaluated as code.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from rft_core.rewards.completion_text import from_answer_tag
from rft_core.rewards.contract import Grade
from rft_core.types import Row

MAX_LENGTH = 256
MAX_DEPTH = 50
LARGEST_PART = 10**100  # of numerators and denominators: keeps every step cheap

_DECIMAL = re.compile(r"(?<![0-9.])([0-9]{0,20})\.([0-9]{1,20})(?![0-9.])")

# In the order in which they are looked for: pattern, flag, what is wrong.
FORBIDDEN = (
    (r"=", "equals_sign", "holds '=': give the expression alone"),
    (r"\*\s*\*|/\s*/", "forbidden_operator", "uses ** or //: only + - * / are allowed"),
    (r"[+\-*/]\s*[+\-*/]", "sign_pile_up", "has two operators side by side"),
    (r"[0-9][._][0-9]|(?<![0-9])0[0-9]|0[xXoObB]", "odd_number", "writes a number in an odd way"),
    (r"[^0-9+\-*/()\s]", "", "holds something other than numbers, + - * / and parentheses"),
)


def grade_equation(completion: str, row: Row) -> Grade:
    """1 if the answer's expression uses each of `row["nums"]` once and equals `row["target"]`."""
    try:
        nums, target = _read_row(row)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        return Grade(None, f"The row is not a Countdown row: {error}.")
    answer = from_answer_tag(completion)
    if answer.text is None:
        return Grade(0.0, answer.problem, answer.flags)
    return grade_expression(answer.text, nums, target)


def grade_expression(text: str, nums: Iterable[int], target: int) -> Grade:
    """1 if the expression uses each number once and equals the target, else 0 and why."""
    problem = _find_problem(text)
    if problem:
        return problem
    tree = _parse(text)
    if tree is None:
        return Grade(0.0, "The answer is not a well-formed expression.")
    used = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) is int]
    if Counter(used) != Counter(nums):
        return Grade(0.0, f"It uses {_listed(used)}, not {_listed(nums)} once each.")
    return _grade_value(tree, target)


def read_value(text: str) -> Fraction | None:
    """The exact value of a short expression; decimals are read too. None where there is none."""
    whole = _DECIMAL.sub(lambda n: f"({int(n[1] + n[2])}/{10 ** len(n[2])})", text)
    tree = _parse(whole) if len(whole) <= MAX_LENGTH and _depth(whole) <= MAX_DEPTH else None
    try:
        return None if tree is None else _evaluate(tree)
    except (ZeroDivisionError, OverflowError):
        return None


def _grade_value(tree: ast.expr, target: int) -> Grade:
    try:
        value = _evaluate(tree)
    except ZeroDivisionError:
        return Grade(0.0, "It divides by zero.")
    except OverflowError:
        return Grade(0.0, "A value on the way is too large.", ("oversized",))
    if value != target:
        return Grade(0.0, f"It equals {_shown(value)}, not {_shown(target)}.")
    return Grade(1.0, f"It uses every number once and equals {target}.")


def _find_problem(text: str) -> Grade | None:
    """What disqualifies the text before it is parsed."""
    if not text:
        return Grade(0.0, "The answer is empty.")
    if len(text) > MAX_LENGTH:
        reason = f"The answer has {len(text):,} characters; {MAX_LENGTH} are allowed."
        return Grade(0.0, reason, ("oversized",))
    if _depth(text) > MAX_DEPTH:
        return Grade(0.0, f"More than {MAX_DEPTH} parentheses are nested.", ("oversized",))
    for pattern, flag, what in FORBIDDEN:
        if re.search(pattern, text):
            return Grade(0.0, f"The answer {what}.", (flag,) if flag else ())
    return None


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _parse(text: str) -> ast.expr | None:
    """The syntax tree, or None where it is none or holds more than arithmetic."""
    try:
        tree = ast.parse(" ".join(text.split()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if all(_is_allowed(node) for node in ast.walk(tree)) else None


def _is_allowed(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) is int
    return isinstance(
        node, ast.BinOp | ast.UnaryOp | ast.Add | ast.Sub | ast.Mult | ast.Div | ast.USub
    )


def _evaluate(node: ast.AST) -> Fraction:
    """The exact value of a tree that `_is_allowed` let through."""
    match node:
        case ast.Constant(value=int(value)):
            result = Fraction(value)
        case ast.UnaryOp(operand=operand):
            result = -_evaluate(operand)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            result = _evaluate(left) + _evaluate(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            result = _evaluate(left) - _evaluate(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            result = _evaluate(left) * _evaluate(right)
        case ast.BinOp(left=left, right=right):
            result = _evaluate(left) / _evaluate(right)
        case _:
            raise TypeError(f"{type(node).__name__} is not part of an expression")
    if abs(result.numerator) > LARGEST_PART or result.denominator > LARGEST_PART:
        raise OverflowError
    return result


def _read_row(row: Row) -> tuple[list[int], int]:
    """`nums` and `target`; text from a CSV column such as "[15, 74, 9]" is read as JSON."""
    nums, target = (_parsed(row[column]) for column in ("nums", "target"))
    nums = list(nums)
    for value in (*nums, target):
        if isinstance(value, bool) or int(value) != value:
            raise ValueError(f"{value!r} is not a whole number")
    if not nums:
        raise ValueError("'nums' is empty")
    return [int(value) for value in nums], int(target)


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)) or "no numbers"


def _shown(value: Fraction | int) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "…"
