"""Which calls the host of a Triton program may make: launches, allocations, views, arithmetic.

What a call returns is a `Kind`, as for other expressions. Everything that is not listed in
`vocabulary.py` counts as a computation outside of the kernel.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rft_core.rewards.triton.reading import vocabulary as words
from rft_core.rewards.triton.reading.expression_rules import (
    COMPUTATION,
    NOT_ALLOWED,
    ExpressionReader,
    list_inputs,
)
from rft_core.rewards.triton.reading.kinds import Kind
from rft_core.rewards.triton.reading.result_rules import list_values
from rft_core.rewards.triton.source import get_root

CONFIG = "triton.Config"
TAKE_A_TENSOR = ("broadcast_to", "expand_as", "reshape_as", "to", "type_as", "view_as")


class CallReader(ExpressionReader):
    """Reads expressions with calls in them."""

    def read_call(self, node: ast.Call) -> Kind:  # noqa: PLR0911 – one for each kind of call
        called = node.func
        match called:
            case ast.Subscript(ast.Name(id=name), grid) if name in self.source.kernels:
                return self._read_launch(node, name, grid)
            case ast.Name(id=name) if (self.owner, name) in self.program.launches:
                return self._read_launch(node, *self.program.launches[self.owner, name])
            case ast.Name(id=name) if self.program.find_function(self.owner, name):
                return self._read_function(node, name)
        dotted = self.source.resolve(called)
        if dotted:
            return self._read_library(node, dotted)
        if self.is_unknown(called):
            self.read_all(list_values(node))
            return Kind.PLAIN
        if isinstance(called, ast.Attribute):
            return self._read_method(node, called)
        if isinstance(called, ast.Name) and called.id not in self.names:
            return self._read_builtin(node, called)
        self.read_all([called, *list_values(node)])
        self.program.report(NOT_ALLOWED, node, f"It calls {ast.unparse(called):.60}.")
        return Kind.TENSOR

    def bind_launch(self, node: ast.stmt, name: str, kernel: str, grid: ast.expr) -> None:
        """`launch = kernel[grid]`: a name for one kernel, always the same."""
        self.read(grid)
        known = self.program.launches.setdefault((self.owner, name), (kernel, grid))
        if known != (kernel, grid) or name in self.names:
            self.program.report("rebinding", node, f"{name} is a launch and something else.")

    def _read_launch(self, node: ast.Call, kernel: str, grid: ast.expr) -> Kind:
        if self.read(grid).is_tensor:
            self.compute(grid, "The grid hangs on a tensor's values.")
        for name, kind in self._match_inputs(node, self.source.kernels[kernel].args).items():
            self.program.widen(self.program.kernel_inputs, name, kind)
        return Kind.PLAIN

    def _read_function(self, node: ast.Call, name: str) -> Kind:
        key = self.program.find_function(self.owner, name)
        assert key
        for argument, kind in self._match_inputs(node, self.program.functions[key].args).items():
            self.program.widen(self.program.inputs, (key, argument), kind)
        return max(self.program.results.get(key, (Kind.PLAIN,)))

    def _match_inputs(self, node: ast.Call, inputs: ast.arguments) -> Mapping[str, Kind]:
        """The kind given for each input; what is passed by stars may go to any."""
        given = dict.fromkeys(list_inputs(inputs), Kind.PLAIN)
        places = [argument.arg for argument in (*inputs.posonlyargs, *inputs.args)]
        rest = Kind.PLAIN
        for index, value in enumerate(node.args):
            kind = Kind.PLAIN if self._is_kernel(value) else self.read(value)
            if index < len(places):
                given[places[index]] = kind
            if isinstance(value, ast.Starred) or index >= len(places):
                rest = max(rest, kind)
        for keyword in node.keywords:
            kind = Kind.PLAIN if self._is_kernel(keyword.value) else self.read(keyword.value)
            if keyword.arg in given:
                given[keyword.arg] = max(given[keyword.arg], kind)
            else:
                rest = max(rest, kind)
        return {name: max(kind, rest) for name, kind in given.items()}

    def _is_kernel(self, node: ast.expr) -> bool:
        """A kernel may be given to a kernel, which then calls it."""
        return isinstance(node, ast.Name) and node.id in self.source.kernels

    def _read_library(  # noqa: PLR0911 – one for each kind of function
        self, node: ast.Call, dotted: str
    ) -> Kind:
        first, *others = [self.read(value) for value in list_values(node)] or [Kind.PLAIN]
        rest = max(others, default=Kind.PLAIN)
        if dotted in words.FACT_FUNCTIONS:
            return Kind.PLAIN
        if dotted in words.ALLOCATIONS:
            is_like = dotted.endswith("_like")
            given = rest if is_like else max(first, rest)
            kind = self._find_new_kind(node, first if is_like else Kind.TENSOR)
            result = Kind.VIEW if dotted == "torch.empty_strided" else kind
            return self._expect_plain(node, dotted, given, result)
        if dotted in words.NUMBER_FUNCTIONS or dotted.startswith(words.MATH):
            return self._expect_plain(node, dotted, max(first, rest), Kind.PLAIN)
        if dotted in words.VIEW_FUNCTIONS:
            reshapes = dotted.removeprefix("torch.") in words.RESHAPES
            if reshapes:
                return self._copy(node, first, dotted)
            return first if dotted.removeprefix("torch.") in words.SAME_ORDER else Kind.VIEW
        if dotted == CONFIG and {k.arg for k in node.keywords} <= words.DECORATOR_OPTIONS[CONFIG]:
            return self._expect_plain(node, dotted, max(first, rest), Kind.PLAIN)
        flag = COMPUTATION if dotted.startswith(words.ARRAYS) else NOT_ALLOWED
        self.program.report(flag, node, f"{dotted} is not allowed on the host.")
        return Kind.TENSOR

    def _expect_plain(self, node: ast.Call, name: str, given: Kind, result: Kind) -> Kind:
        if given.is_tensor:
            return self.compute(node, f"{name} is given a tensor's values.")
        return result

    def _find_new_kind(self, node: ast.Call, like: Kind) -> Kind:
        """Of a new tensor: by its `dtype=`, else that of the tensor it is made like."""
        dtypes = [keyword.value for keyword in node.keywords if keyword.arg == "dtype"]
        if not dtypes:
            return Kind.WHOLE if like is Kind.WHOLE else Kind.TENSOR
        return Kind.WHOLE if self.source.resolve(dtypes[0]) in words.WHOLE_TYPES else Kind.TENSOR

    def _copy(self, node: ast.Call, kind: Kind, name: str) -> Kind:
        """A copy in the order of a view is the whole task where the task is to move data."""
        if kind is Kind.VIEW and self.program.task.moves_data:
            return self.compute(node, f"{name} moves the data, which is the kernel's task.")
        return Kind.WHOLE if kind is Kind.WHOLE else Kind.TENSOR

    def _cast(self, node: ast.Call, kind: Kind, name: str) -> Kind:
        """Another type, of another tensor than one of whole numbers never a whole one."""
        named = {self.source.resolve(argument) for argument in list_values(node)}
        to_whole = name in words.WHOLE_CASTS or bool(named & words.WHOLE_TYPES)
        if to_whole and kind is not Kind.WHOLE:
            return self.compute(node, f"The host computes with .{name}().")
        changes = to_whole or name in words.FLOAT_CASTS or bool(named & words.FLOAT_TYPES)
        if changes and self.program.task.changes_type:
            return self.compute(node, f".{name}() changes the type, which is the kernel's task.")
        copied = self._copy(node, kind, f".{name}()")
        return copied if to_whole or not changes else max(copied, Kind.TENSOR)

    def _read_method(self, node: ast.Call, called: ast.Attribute) -> Kind:
        name = called.attr
        base = self.read(called.value)
        given = self.read_all(list_values(node))
        if name in words.LIST_METHODS or not base.is_tensor:
            return self._read_plain_method(node, called, base, given)
        moves_data = self.program.task.moves_data  # which one copy after the other does, too
        if name == "copy_" and not moves_data and not self._is_input(called.value):
            return base
        if given.is_tensor and name not in TAKE_A_TENSOR:
            return self.compute(node, f".{name}() is given a tensor's values.")
        return self._read_tensor_method(node, name, base)

    def _read_tensor_method(  # noqa: PLR0911 – one for each kind of method
        self, node: ast.Call, name: str, base: Kind
    ) -> Kind:
        if name in words.FACTS:
            return Kind.PLAIN
        if name in words.NEW_TENSORS:
            return self._find_new_kind(node, base)
        if name in words.VIEWS:
            return base if name in words.SAME_ORDER else Kind.VIEW
        if name in words.RESHAPES:
            return self._copy(node, base, f".{name}()")
        if name in words.COPIES | words.WHOLE_CASTS:
            return self._cast(node, base, name)
        if name in words.FILLS:
            return base
        return self.compute(node, f"The host computes with .{name}().")

    def _is_input(self, node: ast.expr) -> bool:
        entry = self.source.entry
        return entry is not None and get_root(node) in list_inputs(entry.args)

    def _read_plain_method(
        self, node: ast.Call, called: ast.Attribute, base: Kind, given: Kind
    ) -> Kind:
        """A method of a list, a size or a type."""
        if base is not Kind.ARGUMENTS and called.attr in words.LIST_METHODS:
            self.widen_container(called.value, given)
            return max(base, given)
        if base is Kind.ARGUMENTS or called.attr not in words.PLAIN_ATTRIBUTES:
            self.program.report(NOT_ALLOWED, node, f".{called.attr}() is not allowed.")
            return Kind.TENSOR
        return Kind.PLAIN

    def _read_builtin(self, node: ast.Call, called: ast.Name) -> Kind:
        name = called.id
        given = self.read_all(list_values(node))
        if name not in words.HOST_BUILTINS:
            if name not in words.TRICKS:
                self.program.report(NOT_ALLOWED, node, f"It calls {name}, which is not allowed.")
            return Kind.TENSOR
        if given is Kind.ARGUMENTS:
            self.program.report(NOT_ALLOWED, node, f"{name}() of a launch's arguments.")
            return Kind.TENSOR
        if name in ("len", "isinstance"):
            return Kind.PLAIN
        if name in words.CONTAINER_BUILTINS:
            return given
        return self._expect_plain(node, name, given, Kind.PLAIN)
