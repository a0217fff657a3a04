"""Tests written as Python: `assert f(1, 2) == 3`, as MBPP and HumanEval publish them.

Only the form is read, nothing is run: a call with plain positional arguments, and a plain value.
What needs running (a tolerance, a sorted result, a loop) raises `ValueError`, which says so.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class AssertLine:
    """What one line states: `function(*arguments)` gives `expected`."""

    function: str
    arguments: list[Any]
    expected: Any


def read_assert(text: str) -> AssertLine:
    """Raises `ValueError` with what is not plain about it."""
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError("it is not Python") from error
    if len(body) != 1 or not isinstance(body[0], ast.Assert):
        raise ValueError("it is not one assert statement")
    return _read_test(body[0].test)


def list_asserts(source: str) -> list[str]:
    """The assert statements of a Python text, each as a line. Raises `ValueError`."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError("it is not Python") from error
    found = [node for node in nodes if isinstance(node, ast.Assert)]
    return [ast.unparse(node) for node in sorted(found, key=lambda node: node.lineno)]


def _read_test(test: ast.expr) -> AssertLine:
    match test:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            call, value = (left, right) if isinstance(left, ast.Call) else (right, left)
            return _read_call(call, _read_value(value))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _read_call(operand, False)
    return _read_call(test, True)


def _read_call(call: ast.expr, expected: Any) -> AssertLine:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError("it does not compare a call of the function with a value")
    if call.keywords:
        raise ValueError("it passes arguments by name")
    return AssertLine(call.func.id, [_read_value(node) for node in call.args], expected)


def _read_value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        raise ValueError(f"'{ast.unparse(node):.60}' is not a plain value") from error
