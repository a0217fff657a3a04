"""What the host functions of a Triton program may say: the words of an allow-list, and no more.

Every dotted name that an import gives, every attribute, and every builtin must be on the list of
`allowed.py`. That keeps a program away from what watches it: whatever it could compute with these
words alone, the run sees. Nothing is followed from function to function; a few names that are
surely tensors are, so that computing with them has its flag without a run: the reward for the form
has none. Where a name may be something else, it counts as no tensor, and the run decides.
"""

from __future__ import annotations

import ast
import builtins
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from rft_core.rewards.triton.reading import allowed
from rft_core.rewards.triton.source import (
    ENTRY,
    KernelSource,
    Violation,
    find_context,
    get_root,
)
from rft_core.types import Row

COMPUTATION, NOT_ALLOWED = "torch_computation", "not_allowed"
CONFIG = "triton.Config"
IDENTITY = (ast.Is, ast.IsNot)
TENSOR, UNKNOWN = ast.Constant("a tensor"), ast.Constant("anything")  # what a name may be given
TAKES_TENSORS = allowed.CONTAINER_BUILTINS | {"print"}  # builtins
TAKES_A_TENSOR = {"broadcast_to", "copy_", "expand_as", "reshape_as", "to", "type_as", "view_as"}
PLAIN_ONLY = allowed.PLAIN_ATTRIBUTES - allowed.FACTS  # a tensor's own of these names compute
WRITES = allowed.FILLS | {"copy_"}


def check_host(
    source: KernelSource, row: Row, host: ast.FunctionDef, parts: Sequence[ast.AST]
) -> Iterator[Violation]:
    """The violations in `parts` of one function (its body, or what its decorators call)."""
    reader = _HostReader(source, row, host)
    notes = {id(node) for note in _list_notes(host) for node in ast.walk(note)}
    inside: set[int] = set()  # of dotted names, which are looked at whole
    for part in parts:
        for node in ast.walk(part):
            if id(node) in notes or id(node) in inside:
                continue
            if isinstance(node, ast.Attribute) and source.resolve(node):
                inside |= {id(inner) for inner in ast.walk(node.value)}
            yield from reader.check_words(node)
            yield from reader.check_tensors(node)


def _list_notes(host: ast.FunctionDef) -> Iterator[ast.expr]:
    """The annotations, which are checked with the module's own statements."""
    for node in ast.walk(host):
        match node:
            case ast.arg(annotation=ast.expr() as note) | ast.AnnAssign(annotation=note):
                yield note
            case ast.FunctionDef(returns=ast.expr() as note):
                yield note


class _HostReader:
    """One host function: its local names, and those of them that hold tensors."""

    def __init__(self, source: KernelSource, row: Row, host: ast.FunctionDef) -> None:
        self.source = source
        inputs = _list_tensor_inputs(row, host) if host is source.entry else set()
        self.given = _list_assignments(host, inputs)
        is_method = any(host in wrapper.body for wrapper in source.wrappers.values())
        self.context = find_context(host) if is_method else ""
        self.local = {*self.given, *(n.name for n in ast.walk(host)
                                     if isinstance(n, ast.FunctionDef))}  # fmt: skip
        self.tensors = set(self.given)
        self._drop_what_is_no_tensor()
        # `kernel` may stand in `kernel[grid]`, and be given to a launch.
        self.launching: set[int] = set()
        for node in ast.walk(host):
            if isinstance(node, ast.Subscript):
                self.launching.add(id(node.value))
            elif isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute):
                self.launching |= {id(value) for value in list_values(node)}

    # --- words

    def check_words(self, node: ast.AST) -> Iterator[Violation]:
        """Whether a name, an attribute or a call is on the list."""
        match node:
            case ast.Name(ctx=ast.Load()):
                yield from self._check_name(node)
            case ast.Attribute():
                if dotted := self.source.resolve(node):
                    yield from self._check_dotted(node, dotted)
                elif self._is_of_autograd(node):
                    pass
                elif not self._is_unknown(node) and node.attr not in allowed.HOST_ATTRIBUTES:
                    flag = COMPUTATION if self.is_tensor(node.value) else NOT_ALLOWED
                    reason = f".{node.attr} is not allowed on the host."
                    yield Violation(flag, node.lineno, reason)
            case ast.Call(function, _, keywords) if self.source.resolve(function) == CONFIG:
                if not {k.arg for k in keywords} <= allowed.DECORATOR_OPTIONS[CONFIG]:
                    yield Violation(NOT_ALLOWED, node.lineno, "Configurations take plain options.")

    def _check_name(self, node: ast.Name) -> Iterator[Violation]:
        name, reason = node.id, ""
        if name in self.local:
            return
        if name in self.source.kernels:
            if id(node) not in self.launching:
                reason = f"{name} is used other than {name}[grid](...)."
        elif name in self.source.imports:
            yield from self._check_dotted(node, self.source.resolve(node))
        elif name in {*self.source.hosts, *self.source.constants, *allowed.TRICKS}:
            pass  # tricks have flags of their own, wherever they stand
        elif hasattr(builtins, name) and name not in allowed.HOST_BUILTINS:
            reason = f"Python's {name} is not allowed."
        if reason:
            yield Violation(NOT_ALLOWED, node.lineno, reason)

    def _check_dotted(self, node: ast.expr, dotted: str) -> Iterator[Violation]:
        if dotted not in allowed.HOST_NAMES and not dotted.startswith(allowed.MATH):
            flag = COMPUTATION if dotted.startswith(allowed.ARRAYS) else NOT_ALLOWED
            yield Violation(flag, node.lineno, f"{dotted} is not allowed on the host.")

    def _is_of_autograd(self, node: ast.Attribute) -> bool:
        """`Wrapper.apply`, or something of the `ctx` that a wrapper's method is given."""
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        is_apply = node.attr == "apply" and name in self.source.wrappers
        return is_apply or (bool(name) and name == self.context)

    def _is_unknown(self, node: ast.expr) -> bool:
        return self.source.is_unknown(get_root(node), self.local)

    # --- what is surely a tensor

    def check_tensors(self, node: ast.AST) -> Iterator[Violation]:
        """Whether something is computed with what is surely a tensor."""
        if reason := self._find_computation(node) or self._find_use(node):
            yield Violation(COMPUTATION, getattr(node, "lineno", 1), reason)

    def _find_computation(self, node: ast.AST) -> str:
        """By an operator, a condition or an index."""
        match node:
            case ast.BinOp() | ast.UnaryOp() | ast.BoolOp() | ast.Compare():
                return f"The host computes {ast.unparse(node):.60}." * self._computes(node)
            case ast.AugAssign(target, _, value):
                if self.is_tensor(target) or self.is_tensor(value):
                    return f"The host computes {ast.unparse(node):.60}."
            case ast.If(test) | ast.While(test) | ast.IfExp(test) | ast.Assert(test):
                return "A decision hangs on a tensor's values." * self.is_tensor(test)
            case ast.Subscript(value, index, context):
                picks = isinstance(index, ast.List) or self.is_tensor(index)
                if self.is_tensor(value) and (picks or not isinstance(context, ast.Load)):
                    return f"The host picks or writes elements: {ast.unparse(node):.60}."
        return ""

    def _find_use(self, node: ast.AST) -> str:
        """By a call, or a method of a tensor."""
        match node:
            case ast.Call():
                if self._takes_numbers(node) and any(map(self.holds_tensor, list_values(node))):
                    return f"{ast.unparse(node.func):.60}() is given a tensor's values."
            case ast.Attribute(value, name):
                if name in PLAIN_ONLY and self.is_tensor(value):
                    return f"The host computes with .{name}."
                if name in WRITES and self.given.get(get_root(value), [UNKNOWN])[0] is TENSOR:
                    return f".{name}() writes into an input."
        return ""

    def _takes_numbers(self, node: ast.Call) -> bool:
        """Whether it calls what a tensor could only be given to for its values."""
        if isinstance(node.func, ast.Name) and node.func.id not in self.source.imports:
            is_own = node.func.id in {*self.local, *self.source.hosts}
            return not is_own and node.func.id in allowed.HOST_BUILTINS - TAKES_TENSORS
        dotted = self.source.resolve(node.func)
        if isinstance(node.func, ast.Attribute) and not dotted:
            return self.is_tensor(node.func.value) and node.func.attr not in TAKES_A_TENSOR
        makes = dotted in allowed.ALLOCATIONS and not dotted.endswith("_like")
        return makes or dotted in allowed.NUMBER_FUNCTIONS or dotted.startswith(allowed.MATH)

    def is_tensor(self, node: ast.expr) -> bool:  # noqa: PLR0911 – one case for each kind
        match node:
            case ast.Name(id=name):
                return name in self.tensors
            case ast.Attribute(value, attribute):
                is_fact = attribute in allowed.FACTS
                return not self.source.resolve(node) and not is_fact and self.is_tensor(value)
            case ast.Subscript(value):
                return self.holds_tensor(value)
            case ast.Call(function):
                if dotted := self.source.resolve(function):
                    return dotted in allowed.ALLOCATIONS | allowed.VIEW_FUNCTIONS
                return isinstance(function, ast.Attribute) and self.is_tensor(function)
            case ast.IfExp(_, body, orelse):
                return self.is_tensor(body) and self.is_tensor(orelse)
            case ast.BinOp() | ast.UnaryOp() | ast.Compare():
                return self._computes(node)
            case ast.Starred(value):
                return self.is_tensor(value)
        return False

    def holds_tensor(self, node: ast.expr) -> bool:
        """Whether it is a tensor, or a list or tuple written out with one in it."""
        parts = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
        return any(map(self.is_tensor, parts))

    def _computes(self, node: ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.Compare) -> bool:
        if isinstance(node, ast.Compare) and all(isinstance(op, IDENTITY) for op in node.ops):
            return False
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            return True
        parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        return any(map(self.is_tensor if isinstance(node, ast.BinOp) else self.holds_tensor, parts))

    def _drop_what_is_no_tensor(self) -> None:
        """With each name that holds something else, those that are given it are looked at again."""
        users: dict[str, set[str]] = defaultdict(set)
        for name, values in self.given.items():
            for node in chain.from_iterable(map(ast.walk, values)):
                if isinstance(node, ast.Name):
                    users[node.id].add(name)
        waiting = list(self.given)
        while waiting:
            name = waiting.pop()
            if name in self.tensors and not self._holds_tensors(name):
                self.tensors.remove(name)
                waiting += users[name]

    def _holds_tensors(self, name: str) -> bool:
        """Whether everything that a name is given is one, as far as that is known."""
        return all(value is TENSOR or self.is_tensor(value) for value in self.given[name])


def _list_tensor_inputs(row: Row, entry: ast.FunctionDef) -> set[str]:
    """`f` is given tensors for the row's inputs; what comes after them keeps its default."""
    assert entry.name == ENTRY
    inputs = row.get("inputs")
    names = [argument.arg for argument in (*entry.args.posonlyargs, *entry.args.args)]
    return set(names[: len(inputs)] if isinstance(inputs, list | tuple) else names)


def _list_assignments(host: ast.FunctionDef, inputs: set[str]) -> dict[str, list[ast.expr]]:
    """What each local name is given, in any place of the function."""
    given: dict[str, list[ast.expr]] = {}

    def add(targets: Iterable[ast.expr], value: ast.expr) -> None:
        for target in targets:
            match target, value:
                case ast.Name(id=name), _:
                    given.setdefault(name, []).append(value)
                case ast.Tuple(names), ast.Tuple(values) if len(names) == len(values):
                    for one, other in zip(names, values, strict=True):
                        add([one], other)
                case ((ast.Tuple(names) | ast.List(names)), _):
                    add(names, UNKNOWN)
                case ast.Starred(inner), _:
                    add([inner], UNKNOWN)

    own = {id(argument) for argument in ast.walk(host.args)}
    for node in ast.walk(host):
        match node:
            case ast.arg(arg=name):
                is_tensor = id(node) in own and name in inputs
                given.setdefault(name, []).append(TENSOR if is_tensor else UNKNOWN)
            case ast.Assign(targets, value):
                add(targets, value)
            case ast.AnnAssign(target, _, ast.expr() as value) | ast.NamedExpr(target, value):
                add([target], value)
            case (
                ast.For(target) | ast.comprehension(target) | ast.withitem(_, ast.expr() as target)
            ):
                add([target], UNKNOWN)
    return given


def list_values(node: ast.Call) -> list[ast.expr]:
    """What a call is given, by position or by name."""
    return [*node.args, *(keyword.value for keyword in node.keywords)]
