"""Tests written as Python: `assert f(1, 2) == 3`, as MBPP and HumanEval publish them.

Only the form is read, nothing is run: a call with plain positional arguments, and a plain value, or
one that small sums of plain values give (`2 * 3`, `"ab" + "cd"`, `10 ** 9`). Anything else raises
`ValueError`, which says why: `python_tests.py` has such tests run.

What an assert means is Python's: 0 equals False, but a tuple no list; `assert f(1)` wants what is
true, be it a number or an object of any class, and only `is` asks for True itself.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LARGEST_POWER, LARGEST_BASE = 64, 10**6
LONGEST_VALUE = 100_000  # signs of a text or list, written out

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


class Relation(StrEnum):
    """How what a function gives is held against what is expected."""

    EQUALS = "=="
    IS = "is"
    HAS_TRUTH = "bool"  # the expected value is the truth of what it gives


@dataclass(frozen=True)
class AssertLine:
    """What one line states: `function(*arguments)` gives `expected`."""

    function: str
    arguments: list[Any]
    expected: Any
    relation: Relation = Relation.EQUALS


def read_assert(text: str) -> AssertLine:
    """Raises `ValueError` with what is not plain about it."""
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError("it is not Python") from error
    if len(body) != 1 or not isinstance(body[0], ast.Assert):
        raise ValueError("it is not one assert statement")
    return _read_test(body[0].test)


def _read_test(test: ast.expr) -> AssertLine:
    match test:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is() as op], comparators=[right]):
            call, value = (left, right) if isinstance(left, ast.Call) else (right, left)
            relation = Relation.IS if isinstance(op, ast.Is) else Relation.EQUALS
            return _read_call(call, _read_value(value), relation)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _read_call(operand, False, Relation.HAS_TRUTH)
    return _read_call(test, True, Relation.HAS_TRUTH)


def _read_call(call: ast.expr, expected: Any, relation: Relation) -> AssertLine:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError("it does not compare a call of the function with a value")
    if call.keywords:
        raise ValueError("it passes arguments by name")
    arguments = [_read_value(node) for node in call.args]
    return AssertLine(call.func.id, arguments, expected, relation)


def _read_value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(_compute(node))
    except RecursionError as error:
        raise ValueError("a value of that many sums is not a plain value") from error
    except (ArithmeticError, ValueError, TypeError, MemoryError) as error:
        raise ValueError(f"'{ast.unparse(node):.60}' is not a plain value") from error


def _compute(node: Any) -> Any:
    """The node with its sums worked out, innermost first."""
    if not isinstance(node, ast.expr):
        return node
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = (ast.literal_eval(_compute(side)) for side in (node.left, node.right))
        _check_small(node.op, left, right)
        value = OPERATORS[type(node.op)](left, right)
        return ast.parse(repr(value), mode="eval").body
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            setattr(node, name, [_compute(one) for one in value])
        elif isinstance(value, ast.expr):
            setattr(node, name, _compute(value))
    return node


def _check_small(op: ast.operator, left: Any, right: Any) -> None:
    """Raise `ValueError` for what could grow out of bounds."""
    numbers = [side for side in (left, right) if isinstance(side, int | float | complex)]
    if isinstance(op, ast.Pow):
        if len(numbers) < 2 or abs(right) > LARGEST_POWER or abs(left) > LARGEST_BASE:
            raise ValueError("a large power")
    elif isinstance(op, ast.Mod) and isinstance(left, str | bytes):
        raise ValueError("a text that is formatted")
    elif len(numbers) < 2:
        times = abs(numbers[0]) if numbers else 1
        if (len(repr(left)) + len(repr(right))) * times > LONGEST_VALUE:
            raise ValueError("a long value")
