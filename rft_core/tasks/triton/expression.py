"""Small tensor expressions, written as PyTorch or as Triton, and read back from PyTorch.

One table holds every operation in both languages, so that the reference, the gold kernel and any
deliberate mistake in it come from the same tree. Nothing is drawn at random or computed here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_SOURCE = 2000  # characters of a reference that is read back


@dataclass(frozen=True)
class Operation:
    """How one operation is written; operands fill the braces. `constants` of them are numbers."""

    torch: str
    triton: str
    operands: int
    constants: int = 0


OPERATIONS: Mapping[str, Operation] = {
    "add": Operation("{} + {}", "{} + {}", 2),
    "sub": Operation("{} - {}", "{} - {}", 2),
    "mul": Operation("{} * {}", "{} * {}", 2),
    "maximum": Operation("torch.maximum({}, {})", "tl.maximum({}, {})", 2),
    "minimum": Operation("torch.minimum({}, {})", "tl.minimum({}, {})", 2),
    "relu": Operation("torch.relu({})", "tl.maximum({}, 0.0)", 1),
    "abs": Operation("torch.abs({})", "tl.abs({})", 1),
    "exp": Operation("torch.exp({})", "tl.exp({})", 1),
    "sigmoid": Operation("torch.sigmoid({})", "tl.sigmoid({})", 1),
    "square": Operation("torch.square({})", "{0} * {0}", 1),
    "clamp": Operation(
        "torch.clamp({}, {}, {})", "tl.minimum(tl.maximum({}, {}), {})", 3, constants=2
    ),
    "scale": Operation("{} * {}", "{} * {}", 2, constants=1),
    "shift": Operation("{} + {}", "{} + {}", 2, constants=1),
}
_OPERATORS = {ast.Add: ("add", "shift"), ast.Sub: ("sub", "sub"), ast.Mult: ("mul", "scale")}


@dataclass(frozen=True)
class Expression:
    """An operation on operands, or a leaf: the name of an input, or the text of a number."""

    operation: str  # a key of OPERATIONS, "input" or "number"
    operands: tuple[Expression, ...] = ()
    text: str = ""

    def walk(self) -> Iterator[Expression]:
        """This expression and everything in it, from the outside in."""
        yield self
        for operand in self.operands:
            yield from operand.walk()

    @property
    def input_names(self) -> set[str]:
        return {part.text for part in self.walk() if part.operation == "input"}


def make_input(name: str) -> Expression:
    return Expression("input", text=name)


def make_number(text: str) -> Expression:
    return Expression("number", text=text)


def apply(operation: str, *operands: Expression) -> Expression:
    return Expression(operation, operands)


def write_torch(expression: Expression) -> str:
    """`torch.relu(x) * 2.0`"""
    return _write(expression, "torch")


def write_triton(expression: Expression) -> str:
    """`tl.maximum(x, 0.0) * 2.0`, of the values that the kernel loaded under the inputs' names."""
    return _write(expression, "triton")


def read_torch(text: str) -> Expression | None:
    """The expression that `write_torch` would write as this text, or None where there is none."""
    if len(text) > MAX_SOURCE:
        return None
    try:
        return _read(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _write(expression: Expression, language: str) -> str:
    if not expression.operands:
        return expression.text
    form = _form(expression, language)
    operands = [_write(operand, language) for operand in expression.operands]
    if _is_infix(form):
        operands = [
            f"({text})" if _is_infix(_form(operand, language)) else text
            for text, operand in zip(operands, expression.operands, strict=True)
        ]
    return form.format(*operands)


def _form(expression: Expression, language: str) -> str:
    operation = OPERATIONS.get(expression.operation)
    return str(getattr(operation, language)) if operation else expression.text


def _is_infix(form: str) -> bool:
    return form.startswith("{")


def _read(node: ast.expr) -> Expression:
    """Raises ValueError for what is not in the table."""
    match node:
        case ast.Name(id=name):
            return make_input(name)
        case ast.Constant(value=float() | int()) | ast.UnaryOp(ast.USub(), ast.Constant()):
            return make_number(ast.unparse(node))
        case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
            plain, with_number = _OPERATORS[type(operator)]
            second = _read(right)
            return apply(with_number if second.operation == "number" else plain,
                         _read(left), second)  # fmt: skip
        case ast.Call(ast.Attribute(ast.Name("torch"), name), arguments, []):
            operation = OPERATIONS.get(name)
            if operation and len(arguments) == operation.operands:
                return apply(name, *map(_read, arguments))
    raise ValueError(f"{ast.unparse(node)} is no operation of the table")
