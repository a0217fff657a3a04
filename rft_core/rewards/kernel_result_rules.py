"""Whether the tensors that `f` returns were given to a kernel, and what counts as moving data.

Names that stand for one tensor (views, copies, renamings) are put into one group; every returned
tensor must be in the group of some launch's argument. That the kernel then really wrote it is for
the execution to see.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rft_core.rewards import kernel_vocabulary as words
from rft_core.rewards.triton_source import Finding, KernelSource

LONGEST_REFERENCE = 4000
SAME_DATA = words.VIEWS | words.RESHAPES | words.COPIES
MOVES = SAME_DATA | words.FACTS


def is_data_movement(reference: str) -> bool:
    """Whether the reference only reorders data, as `x.t().contiguous()` does."""
    if len(reference) > LONGEST_REFERENCE:
        return False
    try:
        functions = [n for n in ast.parse(reference).body if isinstance(n, ast.FunctionDef)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    nodes = [node for function in functions for line in function.body for node in ast.walk(line)]
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    operators = (ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp)
    moves = all(isinstance(f, ast.Attribute) and f.attr in MOVES for f in called)
    signs = [n for n in nodes if isinstance(n, operators) and not _is_negative_number(n)]
    return bool(functions) and moves and not signs


def _is_negative_number(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)


def check_results(source: KernelSource) -> Iterator[Finding]:
    """A finding for every tensor that `f` returns without having given it to a kernel."""
    entry = source.entry
    if not entry or not source.kernels:
        return
    roots = _Roots(source)
    given = _list_given(roots, entry)
    for line in _walk_own(entry):
        if not isinstance(line, ast.Return) or not line.value:
            continue
        parts = line.value.elts if isinstance(line.value, ast.Tuple | ast.List) else [line.value]
        for part in parts:
            if not roots.find(part) & given and not _is_constant(source, part):
                reason = f"f returns {ast.unparse(part):.60}, which no kernel was given."
                yield Finding("result_not_from_kernel", line.lineno, reason)


class _Roots:
    """Finds the names whose data an expression shows; LAUNCHED where a kernel made it."""

    LAUNCHED = "a launch"

    def __init__(self, source: KernelSource) -> None:
        self.source = source
        self.launching = {name for name in source.hosts if self._reaches_kernel(name, set())}

    def find(self, node: ast.expr) -> set[str]:
        match node:
            case ast.Name(id=name):
                return {name}
            case ast.Attribute(value) | ast.Subscript(value) | ast.Starred(value):
                return self.find(value)
            case ast.Tuple(elements) | ast.List(elements):
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

    def _reaches_kernel(self, name: str, seen: set[str]) -> bool:
        names = {n.id for n in ast.walk(self.source.hosts[name]) if isinstance(n, ast.Name)}
        if names & self.source.kernels.keys():
            return True
        others = (names & self.source.hosts.keys()) - seen - {name}
        return any(self._reaches_kernel(other, seen | others | {name}) for other in others)


def _list_given(roots: _Roots, entry: ast.FunctionDef) -> set[str]:
    """The names that stand for something a kernel was given, in any place of `f`."""
    given, links = {roots.LAUNCHED}, []
    for node in ast.walk(entry):
        match node:
            case ast.Call() if roots.is_launch(node):
                given = given.union(*map(roots.find, list_values(node)))
            case ast.Call(ast.Attribute(container, "append"), [value]):
                links.append(roots.find(container) | roots.find(value))
            case ast.Assign(targets, value):
                links += [_link(roots, target, value) for target in targets]
            case ast.AnnAssign(target, _, ast.expr() as value) | ast.For(target, value):
                links.append(_link(roots, target, value))
    for _ in links:
        given = given.union(*(link for link in links if link & given))
    return given


def _link(roots: _Roots, target: ast.expr, value: ast.expr) -> set[str]:
    return roots.find(target) | roots.find(value)


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
        dotted = source.resolve(node.func)
        return dotted in words.ALLOCATIONS and not dotted.startswith("torch.empty")
    return isinstance(node, ast.Constant)


def list_values(node: ast.Call) -> list[ast.expr]:
    """What a call is given, by position or by name."""
    return [*node.args, *(keyword.value for keyword in node.keywords)]
