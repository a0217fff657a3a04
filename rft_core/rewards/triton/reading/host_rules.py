"""What the host functions of a Triton program may do with tensors: allocate, view, launch, return.

A small abstract interpreter follows, through assignments and calls, which names may hold tensors.
Numbers (shapes, strides, types) may be computed with freely; a tensor may only be allocated, looked
at in another shape, copied, given to a kernel and returned. It errs on the side of "tensor".
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from rft_core.rewards.triton.reading import vocabulary as words
from rft_core.rewards.triton.reading.call_rules import CallReader
from rft_core.rewards.triton.reading.decorator_rules import list_heuristics
from rft_core.rewards.triton.reading.expression_rules import COMPUTATION, NOT_ALLOWED, list_inputs
from rft_core.rewards.triton.reading.kinds import Function, Key, Kind, Program
from rft_core.rewards.triton.reading.result_rules import check_results, read_movement
from rft_core.rewards.triton.source import ENTRY, Finding, KernelSource
from rft_core.types import Row

MOST_READINGS = 12  # honest programs need two or three


def check_hosts(source: KernelSource, row: Row, used: frozenset[str]) -> list[Finding]:
    """The findings in the host functions that are used."""
    program = Program(source, read_movement(str(row.get("reference", ""))))
    _mark_entry_inputs(program, row)
    for _ in range(MOST_READINGS):
        program.changed = False
        program.findings.clear()
        for name in source.hosts:
            if name in used:
                _read_function(program, name, ("", name))
        for function in list_heuristics(source):
            CallReader(program, "", {}).read(function)
        if not program.changed:
            return [*program.findings, *check_results(source)]
    program.report(NOT_ALLOWED, source.tree, "The host functions are too entangled to follow.")
    return program.findings


def _mark_entry_inputs(program: Program, row: Row) -> None:
    """`f` is given tensors for the row's inputs; what comes after them keeps its default."""
    entry = program.source.entry
    if not entry:
        return
    inputs = row.get("inputs")
    count = len(inputs) if isinstance(inputs, list | tuple) else len(entry.args.args)
    positional = [argument.arg for argument in (*entry.args.posonlyargs, *entry.args.args)]
    with_default = positional[len(positional) - len(entry.args.defaults) :]
    numbers = {*positional[count:]} & {*with_default} | {a.arg for a in entry.args.kwonlyargs}
    dtypes = [f"torch.{one.get('dtype')}" for one in inputs] if isinstance(inputs, list) else []
    kinds = [Kind.WHOLE if dtype in words.WHOLE_TYPES else Kind.TENSOR for dtype in dtypes]
    kind_of = dict(zip(positional, kinds, strict=False))
    for name in list_inputs(entry.args):
        if name not in numbers:
            program.widen(program.inputs, (("", ENTRY), name), kind_of.get(name, Kind.TENSOR))


def _read_function(program: Program, owner: str, key: Key) -> None:
    """Read a function's body with what is known of its inputs, and of the names around it."""
    function: Function = program.functions[key]
    around = {name: kind for (place, name), kind in program.ever.items() if place == owner}
    inputs = {
        name: program.inputs.get((key, name), Kind.PLAIN) for name in list_inputs(function.args)
    }
    names = (around if key[0] else {}) | inputs
    reader = StatementReader(program, owner, names, key)
    for name in names:
        program.widen(program.ever, (owner, name), names[name])
    if isinstance(function, ast.Lambda):
        program.add_result(key, (reader.read(function.body),))
    else:
        reader.read_block(function.body)


class StatementReader(CallReader):
    """Reads the statements of one function in order."""

    def __init__(self, program: Program, owner: str, names: dict[str, Kind], key: Key) -> None:
        super().__init__(program, owner, names)
        self.key = key

    def read_block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self._read_statement(statement)

    def _read_statement(self, node: ast.stmt) -> None:  # noqa: PLR0912 – one case for each kind
        match node:
            case ast.Assign([ast.Name(id=name)], ast.Lambda() as function):
                self._read_inner(name, function)
            case ast.Assign([ast.Name(id=name)], ast.Subscript(ast.Name(id=kernel), grid)) if (
                kernel in self.source.kernels
            ):
                self.bind_launch(node, name, kernel, grid)
            case ast.Assign(targets, value):
                kinds = self.read_parts(value)
                for target in targets:
                    self.assign(target, kinds)
            case ast.AnnAssign(target, _, value):
                if value:
                    self.assign(target, self.read_parts(value))
            case ast.AugAssign():
                self._read_update(node)
            case ast.Return(value):
                self._read_result(node, value)
            case ast.Expr(value):
                self.read(value)
            case ast.Assert(test):
                self.read_test(test)
            case ast.If() | ast.For() | ast.While():
                self._read_branches(node)
            case ast.With(items, body):
                for item in items:
                    self.read(item.context_expr)
                    if item.optional_vars:
                        self.assign(item.optional_vars, (Kind.PLAIN,))
                self.read_block(body)
            case ast.Try(body, handlers, orelse, final):  # has its finding, and is followed too
                for block in (body, *(handler.body for handler in handlers), orelse, final):
                    self.read_block(block)
            case ast.FunctionDef(name=name):
                self._read_inner(name, node)
            case ast.Pass() | ast.Break() | ast.Continue() | ast.Raise() | ast.Delete():
                pass
            case _:
                reason = f"{type(node).__name__} is not allowed in a host function."
                self.program.report(NOT_ALLOWED, node, reason)

    def _read_result(self, node: ast.Return, value: ast.expr | None) -> None:
        kinds = self.read_parts(value) if value else (Kind.PLAIN,)
        self.program.add_result(self.key, kinds)
        if self.key == ("", ENTRY) and Kind.VIEW in kinds and self.program.task.moves_data:
            self.compute(node, "f returns a view in another order, which is the kernel's task.")

    def _read_branches(self, node: ast.If | ast.For | ast.While) -> None:
        """What follows sees what either way may have left."""
        if not isinstance(node, ast.If):
            self._forget_order(node)
        if isinstance(node, ast.For):
            self.assign(node.target, (self.read(node.iter),))
        else:
            self.read_test(node.test)
        before = dict(self.names)
        self.read_block(node.body)
        after = self.names
        self.names = dict(before)
        self.read_block(node.orelse)
        for name, kind in after.items():
            self.names[name] = max(kind, self.names.get(name, kind))

    def _forget_order(self, loop: ast.For | ast.While) -> None:
        """What a name is given late in a loop is there early in its next round."""
        for node in ast.walk(loop):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                ever = self.program.ever.get((self.owner, node.id), Kind.PLAIN)
                self.names[node.id] = max(ever, self.names.get(node.id, ever))

    def _read_update(self, node: ast.AugAssign) -> None:
        kind = max(self.read(node.value), self._read_target(node.target))
        if kind.is_tensor:
            self.program.report(COMPUTATION, node, f"The host computes {ast.unparse(node):.60}.")
        self.assign(node.target, (kind,))

    def _read_target(self, target: ast.expr) -> Kind:
        if isinstance(target, ast.Name):
            return self.names.get(target.id, Kind.PLAIN)
        return self.read(target.value) if isinstance(target, ast.Subscript) else Kind.TENSOR

    def _read_inner(self, name: str, function: Function) -> None:
        """An inner function sees every value that the names around it ever have."""
        key = (self.owner, name)
        if name in self.names:
            self.program.report("rebinding", function, f"{name} is a function and something else.")
        self.program.add_function(key, function)
        for argument, kind in self.read_defaults(function.args).items():
            self.program.widen(self.program.inputs, (key, argument), kind)
        if self.program.functions[key] is function:
            _read_function(self.program, self.owner, key)
