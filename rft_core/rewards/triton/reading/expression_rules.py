"""What an expression on the host may be, and whether its value may hold a tensor.

`read` returns a `Kind` and reports what is not allowed on the way; where it cannot know, it says
"tensor". Calls are judged in `call_rules.py`, statements in `host_rules.py`.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable

from rft_core.rewards.triton.reading import vocabulary as words
from rft_core.rewards.triton.reading.kinds import Key, Kind, Program
from rft_core.rewards.triton.source import get_root

COMPUTATION = "torch_computation"
NOT_ALLOWED = "not_allowed"
IDENTITY = (ast.Is, ast.IsNot)


class ExpressionReader:
    """Reads the expressions of one function. `names` holds the kinds of its local names."""

    def __init__(self, program: Program, owner: str, names: dict[str, Kind]) -> None:
        self.program = program
        self.source = program.source
        self.owner = owner
        self.names = names

    def read(self, node: ast.expr | None) -> Kind:  # noqa: PLR0911 – one case for each kind
        match node:
            case None | ast.Constant():
                return Kind.PLAIN
            case ast.Name():
                return self._read_name(node)
            case ast.Attribute():
                return self._read_attribute(node)
            case ast.Call():
                return self.read_call(node)
            case ast.Subscript(value, index):
                return self._read_subscript(node, self.read(value), index)
            case ast.BinOp() | ast.UnaryOp() | ast.BoolOp() | ast.Compare():
                return self._read_operator(node)
            case ast.IfExp(test, body, orelse):
                self.read_test(test)
                return max(self.read(body), self.read(orelse))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._read_comprehension(node)
            case ast.Lambda():
                return self._read_lambda(node)
            case ast.NamedExpr(target, value):  # has its finding, and is followed all the same
                self.assign(target, self.read_parts(value))
                return self.read(target)
            case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.Slice() | ast.Starred():
                return self.read_all(_list_parts(node))
            case ast.JoinedStr() | ast.FormattedValue():
                return self.read_all(_list_parts(node))
        self.program.report(NOT_ALLOWED, node, f"{type(node).__name__} is not allowed here.")
        return Kind.TENSOR

    def read_all(self, nodes: Iterable[ast.expr]) -> Kind:
        return max((self.read(node) for node in nodes), default=Kind.PLAIN)

    def read_test(self, node: ast.expr) -> None:
        """A condition: what is computed must not hang on a tensor's values."""
        if self.read(node).is_tensor:
            self.compute(node, "A decision hangs on a tensor's values.")

    def read_parts(self, node: ast.expr) -> tuple[Kind, ...]:
        """The kinds of a tuple's elements, also of one that a function returns; else one kind."""
        starred = isinstance(node, ast.Tuple) and any(isinstance(e, ast.Starred) for e in node.elts)
        if isinstance(node, ast.Tuple) and node.elts and not starred:
            return tuple(self.read(element) for element in node.elts)
        kind = self.read(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            key = self.program.find_function(self.owner, node.func.id)
            return self.program.results.get(key, (kind,)) if key else (kind,)
        return (kind,)

    def assign(self, target: ast.expr, kinds: tuple[Kind, ...]) -> None:
        """Give a target its value, whose elements are `kinds` if it is unpacked."""
        whole = max(kinds)
        match target:
            case ast.Name(id=name):
                if (self.owner, name) in self.program.functions:
                    reason = f"{name} is a function and something else."
                    self.program.report("rebinding", target, reason)
                self.names[name] = whole
                self.program.widen(self.program.ever, (self.owner, name), whole)
            case ast.Tuple(elements) | ast.List(elements):
                for index, element in enumerate(elements):
                    own = kinds[index] if len(kinds) == len(elements) else whole
                    self.assign(element, (own,))
            case ast.Starred(value):
                self.assign(value, (whole,))
            case ast.Subscript(value, index):
                self.read(index)
                if self.read(value).is_tensor:
                    self.compute(target, "The host writes into a tensor.")
                else:
                    self.widen_container(value, whole)

    def compute(self, node: ast.AST, reason: str) -> Kind:
        self.program.report(COMPUTATION, node, reason)
        return Kind.TENSOR

    def read_call(self, node: ast.Call) -> Kind:
        raise NotImplementedError

    def is_unknown(self, node: ast.expr) -> bool:
        """Whether an expression starts with a name that is nowhere defined."""
        name = get_root(node)
        if self.program.find_function(self.owner, name):
            return False
        return self.source.is_unknown(name, self.names)

    def use_function(self, key: Key) -> None:
        """A function given away by name: Triton calls a grid with the launch's arguments."""
        for argument in list_inputs(self.program.functions[key].args):
            self.program.widen(self.program.inputs, (key, argument), Kind.ARGUMENTS)

    def _read_name(self, node: ast.Name) -> Kind:
        name = node.id
        key = self.program.find_function(self.owner, name)
        if key:
            self.use_function(key)
            return Kind.PLAIN
        if name in self.names:
            return self.names[name]
        if name in self.source.kernels:
            self.program.report(NOT_ALLOWED, node, f"{name} is used other than {name}[grid](...).")
        elif name in self.source.imports:
            return self._read_dotted(node, self.source.resolve(node))
        elif name not in self.source.constants and is_foreign_builtin(name):
            self.program.report(NOT_ALLOWED, node, f"Python's {name} is not allowed.")
        return Kind.PLAIN

    def _read_dotted(self, node: ast.expr, dotted: str) -> Kind:
        if dotted not in words.HOST_VALUES:
            flag = COMPUTATION if dotted.startswith(words.ARRAYS) else NOT_ALLOWED
            self.program.report(flag, node, f"{dotted} is not allowed.")
        return Kind.PLAIN

    def _read_attribute(self, node: ast.Attribute) -> Kind:
        dotted = self.source.resolve(node)
        if dotted:
            return self._read_dotted(node, dotted)
        if self.is_unknown(node):
            return Kind.PLAIN
        kind = self.read(node.value)
        if kind.is_tensor and node.attr in words.VIEWS:
            return kind if node.attr in words.SAME_ORDER else Kind.VIEW
        if kind is Kind.ARGUMENTS or node.attr not in words.PLAIN_ATTRIBUTES:
            flag = COMPUTATION if kind.is_tensor else NOT_ALLOWED
            self.program.report(flag, node, f".{node.attr} is not allowed on the host.")
        elif kind.is_tensor and node.attr not in words.FACTS:
            self.compute(node, f".{node.attr} of a tensor is not allowed on the host.")
        return Kind.PLAIN

    def _read_subscript(self, node: ast.Subscript, kind: Kind, index: ast.expr) -> Kind:
        if kind is Kind.ARGUMENTS:
            if isinstance(index, ast.Constant) and isinstance(index.value, str):
                return self.program.kernel_inputs.get(index.value, Kind.PLAIN)
            return Kind.TENSOR
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        if self.read(index).is_tensor:
            return self.compute(node, "It picks elements by a tensor on the host.")
        if kind.is_tensor:
            if any(isinstance(part, ast.List) for part in parts):
                return self.compute(node, "It picks elements by a list on the host.")
            return kind if all(map(_is_leading, parts)) else Kind.VIEW
        return kind

    def _read_operator(self, node: ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.Compare) -> Kind:
        kind = self.read_all(_list_parts(node))
        if isinstance(node, ast.Compare) and all(isinstance(op, IDENTITY) for op in node.ops):
            return Kind.PLAIN
        if kind.is_tensor or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)):
            return self.compute(node, f"The host computes {ast.unparse(node):.60}.")
        return kind

    def _read_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> Kind:
        for loop in node.generators:
            self.assign(loop.target, (self.read(loop.iter),))
            for test in loop.ifs:
                self.read_test(test)
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return self.read_all(values)

    def _read_lambda(self, node: ast.Lambda) -> Kind:
        """One without a name can only be a grid."""
        around = self.names
        own = dict.fromkeys(list_inputs(node.args), Kind.ARGUMENTS)
        for name, kind in self.read_defaults(node.args).items():
            own[name] = max(own[name], kind)
        self.names = around | own
        self.read(node.body)
        self.names = around
        return Kind.PLAIN

    def read_defaults(self, inputs: ast.arguments) -> dict[str, Kind]:
        """The kinds of the defaults, by the names of their inputs."""
        places = [*inputs.posonlyargs, *inputs.args]
        with_default = places[len(places) - len(inputs.defaults) :]
        pairs = [
            *zip(with_default, inputs.defaults, strict=True),
            *zip(inputs.kwonlyargs, inputs.kw_defaults, strict=True),
        ]
        return {argument.arg: self.read(default) for argument, default in pairs}

    def widen_container(self, container: ast.expr, kind: Kind) -> None:
        """Something of this kind was put into a list or dict, which must be the call's own."""
        if isinstance(container, ast.Name) and container.id in self.names:
            name = container.id
            self.names[name] = max(self.names[name], kind)
            self.program.widen(self.program.ever, (self.owner, name), kind)
        else:
            self.program.report("module_state", container, "It keeps a value beyond the call.")


def list_inputs(inputs: ast.arguments) -> list[str]:
    """The names of a function's inputs, in order; those with a star last."""
    plain = [*inputs.posonlyargs, *inputs.args, *inputs.kwonlyargs]
    return [argument.arg for argument in (*plain, inputs.vararg, inputs.kwarg) if argument]


def is_foreign_builtin(name: str) -> bool:
    """Whether Python has it and no list does. What has a flag of its own is found elsewhere."""
    return hasattr(builtins, name) and name not in words.HOST_BUILTINS | words.TRICKS.keys()


def _is_leading(index: ast.expr) -> bool:
    """Whether an index picks one element, or elements from the first on."""
    return not isinstance(index, ast.Slice) or (index.lower is None and index.step is None)


def _list_parts(node: ast.expr) -> list[ast.expr]:
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
