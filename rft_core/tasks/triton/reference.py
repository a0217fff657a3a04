"""Which PyTorch references ask for the same kernel, so that no split shares one with another.

Two references are the same kernel if they differ only in their inputs' names, in which input stands
where, in numbers, or in the order of the operands of commutative operations: rather too much alike
than too little. References are read, never run.
"""

from __future__ import annotations

import ast

from rft_core.types import Row

LONGEST_REFERENCE = 4000  # characters; what is longer is only the same as itself
COMMUTATIVE_OPERATORS = (ast.Add, ast.Mult)
COMMUTATIVE_CALLS = ("add", "mul", "maximum", "minimum")


def make_key(row: Row) -> str:
    """The same text for every reference that is the same kernel; the reference if it is broken."""
    reference = str(row["reference"])
    if len(reference) > LONGEST_REFERENCE:
        return reference
    try:
        functions = [n for n in ast.parse(reference).body if isinstance(n, ast.FunctionDef)]
        return _normal_body(functions[-1]) if functions else reference
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return reference


def _normal_body(function: ast.FunctionDef) -> str:
    inputs = frozenset(argument.arg for argument in function.args.args)
    return " ".join(_normal_form(line, inputs) for line in function.body if not _is_text(line))


def _normal_form(node: ast.AST, inputs: frozenset[str]) -> str:
    match node:
        case ast.Name(id=name):
            return "input" if name in inputs else name
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
