"""What a kernel's body may hold: Triton's own operations on its own names, and nothing of Python.

The interpreter runs a kernel as ordinary Python, so `import os` or a torch call in it would work
there. The compiler refuses most of that; here it gets a name. Mistakes that cannot compile and
cannot cheat (an unknown name) are left to the compiler.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from rft_core.rewards.triton.reading import allowed
from rft_core.rewards.triton.source import KernelSource, Violation, get_root

STATEMENTS = (
    ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.For, ast.While, ast.If, ast.Return,
    ast.Pass, ast.Assert, ast.Break, ast.Continue,
)  # fmt: skip
EXPRESSIONS = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call, ast.Attribute, ast.Name,
    ast.Constant, ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Starred,
)  # fmt: skip
FLAG = "python_in_kernel"
LANGUAGE = "triton.language"


def check_kernel(source: KernelSource, kernel: ast.FunctionDef) -> Iterator[Violation]:
    """The violations in one kernel's body."""
    inputs = kernel.args
    local = {argument.arg for argument in (*inputs.posonlyargs, *inputs.args, *inputs.kwonlyargs)}
    stored = (node for node in ast.walk(kernel) if isinstance(node, ast.Name))
    local |= {node.id for node in stored if isinstance(node.ctx, ast.Store)}
    yield from _check_inputs(inputs)
    for node in _walk_body(kernel):
        yield from _check_node(source, node, local)


def _check_inputs(inputs: ast.arguments) -> Iterator[Violation]:
    star = inputs.vararg or inputs.kwarg
    if star:
        yield Violation(
            FLAG, star.lineno, f"The kernel takes any number of arguments (*{star.arg})."
        )


def _walk_body(kernel: ast.FunctionDef) -> Iterator[ast.AST]:
    """Every node of the body; of a dotted name only the whole."""
    left: list[ast.AST] = list(reversed(kernel.body))
    while left:
        node = left.pop()
        yield node
        if isinstance(node, ast.AnnAssign):  # its annotation is checked with all others
            left += [part for part in (node.value, node.target) if part]
        elif not isinstance(node, ast.Attribute) or not _is_dotted(node):
            left += reversed(list(ast.iter_child_nodes(node)))


def _is_dotted(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _check_node(source: KernelSource, node: ast.AST, local: set[str]) -> Iterator[Violation]:
    if isinstance(node, ast.stmt) and not isinstance(node, STATEMENTS):
        yield _found(node, f"A kernel cannot hold '{_name_of(node)}'.")
    elif isinstance(node, ast.expr) and not isinstance(node, EXPRESSIONS):
        yield _found(node, f"A kernel cannot hold Python's {_name_of(node)}.")
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from _check_name(source, node, local)
    elif isinstance(node, ast.Attribute):
        yield from _check_attribute(source, node, local)


def _check_name(source: KernelSource, node: ast.Name, local: set[str]) -> Iterator[Violation]:
    name = node.id
    if name in local or name in source.kernels:
        return
    dotted = source.resolve(node)
    if dotted:
        yield from _check_dotted(node, dotted)
    elif name in source.hosts:
        yield _found(node, f"The kernel calls the Python function {name}.")
    elif name in source.constants and not _is_number(source.constants[name]):
        yield _found(node, f"The kernel reads the module's {name}, which is no plain number.")
    elif hasattr(builtins, name) and name not in allowed.KERNEL_BUILTINS:
        yield _found(node, f"The kernel uses Python's {name}.")


def _check_attribute(
    source: KernelSource, node: ast.Attribute, local: set[str]
) -> Iterator[Violation]:
    dotted = source.resolve(node)
    if dotted:
        yield from _check_dotted(node, dotted)
        return
    if source.is_unknown(get_root(node), local):
        return
    inner: ast.AST = node
    while isinstance(inner, ast.Attribute):
        if inner.attr not in allowed.KERNEL_ATTRIBUTES:
            yield _found(node, f"'.{inner.attr}' is no operation of Triton.")
        inner = inner.value
    if isinstance(inner, ast.Name):
        yield from _check_name(source, inner, local)


def _check_dotted(node: ast.expr, dotted: str) -> Iterator[Violation]:
    module, _, word = dotted.rpartition(".")
    if dotted in allowed.KERNEL_NAMES or (module in allowed.LIBRARIES and word[0] != "_"):
        return
    if module == LANGUAGE and word not in allowed.INTERNALS and word[0] != "_":
        return  # it does not exist: a mistake that the compiler finds
    flag = allowed.TRICK_ATTRIBUTES.get(word, FLAG)
    yield Violation(flag, node.lineno, f"The kernel uses {dotted}, which is not allowed in it.")


def _is_number(value: ast.expr) -> bool:
    """Whether a module's constant is a number, which the compiler takes or refuses."""
    allowed = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.expr_context)
    inner = value.args[0] if isinstance(value, ast.Call) and len(value.args) == 1 else value
    return all(isinstance(node, allowed) for node in ast.walk(inner))


def _found(node: ast.stmt | ast.expr, reason: str) -> Violation:
    return Violation(FLAG, node.lineno, reason)


def _name_of(node: ast.AST) -> str:
    return type(node).__name__
