"""Which PyTorch references ask for the same kernel, so that no split shares one with another.

Two references are the same kernel if only the names of their inputs, their numbers or the order of
the operands of commutative operations differ. References are read, never run.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from itertools import permutations

from rft_core.rewards.contract import Row

LONGEST_REFERENCE = 4000  # characters; what is longer is only the same as itself
MOST_INPUTS_RENAMED = 4
COMMUTATIVE_OPERATORS = (ast.Add, ast.Mult)
COMMUTATIVE_CALLS = ("add", "mul", "maximum", "minimum")


def make_key(row: Row) -> str:
    """The same text for every reference that is the same kernel; the reference if it is broken."""
    reference = str(row["reference"])
    if len(reference) > LONGEST_REFERENCE:
        return reference
    try:
        functions = [n for n in ast.parse(reference).body if isinstance(n, ast.FunctionDef)]
        return min(_normal_forms(functions[-1])) if functions else reference
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return reference


def _normal_forms(function: ast.FunctionDef) -> list[str]:
    """The function's body as text, under every renaming of its inputs."""
    names = [argument.arg for argument in function.args.args]
    places = tuple(f"input{index}" for index in range(len(names)))
    orders = permutations(places) if len(names) <= MOST_INPUTS_RENAMED else [places]
    body = [line for line in function.body if not _is_text(line)]
    return [
        " ".join(_normal_form(line, dict(zip(names, order, strict=True))) for line in body)
        for order in orders
    ]


def _normal_form(node: ast.AST, inputs: Mapping[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return inputs.get(name, name)
        case ast.Constant():
            return "number"
        case ast.Attribute(value, attribute):
            return f"{_normal_form(value, inputs)}.{attribute}"
    parts = [
        _normal_form(child, inputs)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.expr_context | ast.operator)
    ]
    label = type(node).__name__
    match node:
        case ast.BinOp(op=operator):
            label = type(operator).__name__
            if isinstance(operator, COMMUTATIVE_OPERATORS):
                parts.sort()
        case ast.Call(func=ast.Attribute(attr=name)) if name in COMMUTATIVE_CALLS:
            parts.sort()
        case ast.keyword(arg=str(keyword)):
            label = keyword
    return f"{label}({', '.join(parts)})"


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
