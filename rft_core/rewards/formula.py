"""A score computed from the other functions' scores: `0.7 * correct + 0.3 * min(style, brief)`.

For what weights cannot say. The expression is read as a syntax tree with numbers, names, + - * / ^
and a few functions; nothing else is allowed and nothing is ever executed. A score that is needed
and was not given, a division by zero or a result that is not finite: unscored.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Grade, RewardEntry
from rft_core.rewards.grader_info import GraderInfo, GraderOption

LONGEST = 1_000
FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": min, "max": max, "abs": abs, "floor": math.floor, "ceil": math.ceil, "exp": math.exp,
    "sqrt": math.sqrt, "log": math.log,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: math.pow,
}  # fmt: skip


def read_formula(expression: str) -> ast.expr:
    """The syntax tree, checked. Raises `BadInputError`."""
    try:
        if len(expression) > LONGEST:
            raise ValueError(f"it has {len(expression):,} characters")
        tree = ast.parse(expression.strip().replace("^", "**"), mode="eval").body
        _check(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInputError(
            f"The formula '{expression:.80}' cannot be used",
            str(error),
            f"Use scores' names, numbers, + - * / ^ and {', '.join(FUNCTIONS)}",
        ) from error
    return tree


def formula_names(expression: str) -> set[str]:
    """The scores that the formula needs."""
    tree = read_formula(expression)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called}


def grade_formula(entry: RewardEntry, scores: Mapping[str, float | None]) -> Grade:
    """What the formula makes of the other functions' own scores."""
    expression = entry.options["expression"]
    tree = read_formula(expression)
    known = {name: score for name, score in scores.items() if score is not None}
    unknown = sorted(formula_names(expression) - set(known))
    if unknown:
        return Grade(None, f"'{unknown[0]}' could not judge.")
    try:
        value = float(_evaluate(tree, known))
    except (ArithmeticError, ValueError, TypeError) as error:
        return Grade(None, f"The formula has no value here: {error}.")
    if not math.isfinite(value):
        return Grade(None, "The formula's value is not finite.")
    return Grade(value, f"{expression} = {value:g}")


def _check(node: ast.AST) -> None:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        _check(node.left)
        _check(node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _check(node.operand)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id not in FUNCTIONS or node.keywords or not node.args:
            raise ValueError(f"'{node.func.id}' cannot be called like this")
        for argument in node.args:
            _check(argument)
    elif isinstance(node, ast.Constant):
        if type(node.value) not in (int, float):
            raise ValueError(f"{node.value!r:.40} is not a number")
    elif not isinstance(node, ast.Name):
        raise ValueError(f"it holds {type(node).__name__}")


def _evaluate(node: ast.AST, scores: Mapping[str, float]) -> float:
    if isinstance(node, ast.BinOp):
        left, right = _evaluate(node.left, scores), _evaluate(node.right, scores)
        return OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp):
        value = _evaluate(node.operand, scores)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        values = [_evaluate(argument, scores) for argument in node.args]
        several = node.func.id in ("min", "max") and len(values) == 1
        return values[0] if several else FUNCTIONS[node.func.id](*values)
    if isinstance(node, ast.Name):
        return scores[node.id]
    assert isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    return float(node.value)


def check_formula(entry: RewardEntry) -> None:
    """Raise `BadInputError` for an expression that is none."""
    read_formula(entry.options.get("expression", ""))


FORMULA = GraderInfo(
    "formula",
    None,
    "Computed from the other functions' scores: 0.7 * correct + 0.3 * min(style, brief).",
    (GraderOption("expression", "text", "", "Names of the other functions, numbers, + - * / ^."),),
    combine=grade_formula,
    check=check_formula,
)
