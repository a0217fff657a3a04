"""Whether the tensors that `f` returns were given to a kernel, and what counts as moving data.

Names that stand for one tensor (views, copies, renamings) are put into one group; every returned
tensor must be in the group of some launch's argument. That the kernel then really wrote it is for
the execution to see.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from rft_core.rewards.triton.reading import vocabulary as words
from rft_core.rewards.triton.reading.kinds import Movement
from rft_core.rewards.triton.source import Finding, KernelSource

LONGEST_REFERENCE = 4000
SAME_DATA = words.VIEWS | words.RESHAPES | words.COPIES | words.WHOLE_CASTS | words.FILLS | {"pop"}
PUTS = words.LIST_METHODS | {"copy_"}
CASTS = words.FLOAT_CASTS | words.WHOLE_CASTS | {"to", "type_as"}
MOVES = words.VIEWS | words.RESHAPES | words.COPIES | words.WHOLE_CASTS | words.FACTS | frozenset((
    "cat", "concat", "diag", "diagonal", "flip", "fliplr", "flipud", "gather", "hstack",
    "index_select", "repeat", "repeat_interleave", "roll", "rot90", "stack", "take", "tile",
    "unflatten", "unfold", "vstack",
))  # fmt: skip


def read_movement(reference: str) -> Movement:
    """Whether the reference only moves data, as `x.t().contiguous()` does, or changes its type."""
    if len(reference) > LONGEST_REFERENCE:
        return Movement()
    try:
        functions = [n for n in ast.parse(reference).body if isinstance(n, ast.FunctionDef)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Movement()
    nodes = [node for function in functions for line in function.body for node in ast.walk(line)]
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    operators = (ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp)
    names = {f.attr if isinstance(f, ast.Attribute) else "" for f in called}
    signs = [n for n in nodes if isinstance(n, operators) and not _is_negative_number(n)]
    moves = bool(functions) and names <= MOVES and not signs
    return Movement(moves, moves and bool(names & CASTS))


def _is_negative_number(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)


def check_results(source: KernelSource) -> Iterator[Finding]:
    """A finding for every tensor that `f` returns without having given it to a kernel."""
    entry = source.entry
    if not entry or not source.kernels:
        return
    roots = _Roots(source)
    given = _list_given(roots, entry)
    early = [line for node in ast.walk(entry) if isinstance(node, ast.If) for line in node.body]
    for line in _walk_own(entry):
        if not isinstance(line, ast.Return) or not line.value:
            continue
        parts = line.value.elts if isinstance(line.value, ast.Tuple | ast.List) else [line.value]
        for part in parts:
            is_empty = line in early and _is_allocation(source, part)
            if not roots.find(part) & given and not is_empty and not _is_constant(source, part):
                reason = f"f returns {ast.unparse(part):.60}, which no kernel was given."
                yield Finding("result_not_from_kernel", line.lineno, reason)


class _Roots:
    """Finds the names whose data an expression shows; LAUNCHED where a kernel made it."""

    LAUNCHED = "a launch"

    def __init__(self, source: KernelSource) -> None:
        self.source = source
        self.launching = _list_launching(source)

    def find(self, node: ast.expr) -> set[str]:
        match node:
            case ast.Name(id=name):
                return {name}
            case ast.Attribute(value) | ast.Subscript(value) | ast.Starred(value):
                return self.find(value)
            case ast.Tuple(elements) | ast.List(elements) | ast.Dict(values=elements):
                return set().union(*map(self.find, elements))
            case ast.IfExp(_, body, orelse):
                return self.find(body) | self.find(orelse)
            case ast.Call(function):
                return self._find_called(node, function)
        return set()

    def is_launch(self, node: ast.Call) -> bool:
        """Whether a call launches a kernel, itself or in the host function that it calls."""
        match node.func:
            case ast.Subscript(ast.Name(id=name)):
                return name in self.source.kernels
            case ast.Name(id=name):
                return name in self.launching
        return False

    def _find_called(self, node: ast.Call, function: ast.expr) -> set[str]:
        dotted = self.source.resolve(function)
        if dotted and dotted not in words.VIEW_FUNCTIONS:
            return set()
        if isinstance(function, ast.Attribute) and not dotted:
            return self.find(function.value) if function.attr in SAME_DATA else set()
        found = {self.LAUNCHED} if self.is_launch(node) else set()
        return found.union(*map(self.find, list_values(node)))


def _list_launching(source: KernelSource) -> set[str]:
    """The host functions that launch a kernel, themselves or through others; inner ones too, and
    names for a kernel with its grid.
    """
    callers: dict[str, set[str]] = {}
    for name, function in _list_functions(source):
        for node in ast.walk(function):
            if isinstance(node, ast.Name):
                callers.setdefault(node.id, set()).add(name)
    return spread(callers, source.kernels) - source.kernels.keys()


def _list_functions(source: KernelSource) -> Iterator[tuple[str, ast.AST]]:
    for host in source.hosts.values():
        for node in ast.walk(host):
            match node:
                case ast.FunctionDef(name=name):
                    yield name, node
                case ast.Assign(
                    [ast.Name(id=name)], ast.Lambda() | ast.Subscript(ast.Name()) as value
                ):
                    yield name, value


def _list_given(roots: _Roots, entry: ast.FunctionDef) -> set[str]:
    """The names that stand for something a kernel was given, in any place of `f`."""
    given = {roots.LAUNCHED}
    links: dict[str, set[str]] = {}
    for node in ast.walk(entry):
        match node:
            case ast.Call() if roots.is_launch(node):
                given = given.union(*map(roots.find, list_values(node)))
            case ast.Call(ast.Attribute(container, name), values) if name in PUTS:
                for value in values:
                    _link(links, roots.find(container), roots.find(value))
            case ast.Assign(targets, value):
                for target in targets:
                    _link(links, roots.find(target), roots.find(value))
            case ast.AnnAssign(target, _, ast.expr() as value) | ast.For(target, value):
                _link(links, roots.find(target), roots.find(value))
    return spread(links, given)


def _link(links: dict[str, set[str]], some: set[str], others: set[str]) -> None:
    for name in some:
        links.setdefault(name, set()).update(others)
    for name in others:
        links.setdefault(name, set()).update(some)


def spread(links: Mapping[str, set[str]], start: Iterable[str]) -> set[str]:
    """Everything that the links lead to from `start`, itself included."""
    found, left = set(start), list(start)
    while left:
        new = links.get(left.pop(), set()) - found
        found |= new
        left += new
    return found


def _walk_own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function without those of the functions inside it."""
    left: list[ast.AST] = list(function.body)
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            left += ast.iter_child_nodes(node)


def _is_constant(source: KernelSource, node: ast.expr) -> bool:
    """A number, or a buffer filled with one: no trick, only wrong."""
    if isinstance(node, ast.Call):
        return _is_allocation(source, node) and "empty" not in ast.unparse(node.func)
    return isinstance(node, ast.Constant)


def _is_allocation(source: KernelSource, node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return source.resolve(node.func) in words.ALLOCATIONS or name in words.NEW_TENSORS


def list_values(node: ast.Call) -> list[ast.expr]:
    """What a call is given, by position or by name."""
    return [*node.args, *(keyword.value for keyword in node.keywords)]
