"""Jinja for templates that strangers write: what one rendering may write, repeat and look at.

A short template can ask for gigabytes (`"x".center(10**9)`, `list * 10**9`) or for hours (nested
loops, macros that call themselves twice). Here only harmless filters and methods exist, and each
rendering has an allowance of work that its loops, calls, filters, comparisons and operators draw
from, in proportion to the text that they touch. No process is needed, and no clock is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import _PassArg

from rft_core.data.template_work import (
    CALL,
    MAX_BITS,
    MAX_RENDERED_CHARS,
    TemplateLimitError,
    Work,
    check_power,
    check_product,
    check_size,
    weigh,
)

WORK = "\0work"  # in the context, under a name that no template can spell
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "items", "last"),
    *("length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select"),
    *("selectattr", "sort", "string", "title", "tojson", "trim", "unique", "upper", "wordcount"),
)
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        (
            *("capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha"),
            *("isdigit", "islower", "isnumeric", "isspace", "isupper", "join", "lower", "lstrip"),
            *("partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex"),
            *("rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"),
            *("swapcase", "title", "upper"),
        )
    ),
    dict: frozenset(("get", "items", "keys", "values")),
    list: frozenset(("count", "index")),
    tuple: frozenset(("count", "index")),
}


class LimitedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox without what multiplies, and with a count of what is left."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])
    none_text = ""  # a missing cell is not "None"
    methods: Mapping[type, frozenset[str]] = _METHODS

    def __init__(self, **options: Any) -> None:
        """`options`: Jinja's, where they differ from ours."""
        chosen: dict[str, Any] = {
            "undefined": StrictUndefined,
            "keep_trailing_newline": True,  # what is typed is what the model sees
            "autoescape": False,
            "finalize": _finalize,
            "optimized": False,  # or constant expressions would be computed while compiling
        }
        super().__init__(**chosen | options)
        self.globals.clear()  # `lipsum(10**9)` and friends have no place in a prompt
        self.filters = {name: limited(FILTERS[name]) for name in _FILTERS} | {
            "indent": _indent, "int": _int, "join": _join, "replace": _replace, "round": _round,
            "sum": _sum, _COUNTED: _counted, _LOOKED_AT: _looked_at, _JOINED: _joined,
        }  # fmt: skip

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The tree, in which everything that can be large passes through one of our filters."""
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            loop.iter = _filter(loop.iter, _COUNTED)
        for compare in tree.find_all(nodes.Compare):
            compare.expr = _filter(compare.expr, _LOOKED_AT)
            for operand in compare.ops:
                operand.expr = _filter(operand.expr, _LOOKED_AT)
        for test in tree.find_all(nodes.Test):
            test.node = _filter(test.node, _LOOKED_AT)
            test.args = [_filter(argument, _LOOKED_AT) for argument in test.args]
        for item in tree.find_all(nodes.Getitem):
            if isinstance(item.arg, nodes.Slice):
                item.node = _filter(item.node, _LOOKED_AT)
        _replace_joins(tree)
        return tree

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Methods of values only by name; nothing else of a value is callable."""
        if isinstance(obj, str | dict | list | tuple | int | float | bytes) and callable(value):
            methods: Iterable[str] = next(
                (names for kind, names in self.methods.items() if isinstance(obj, kind)), ()
            )
            return attr in methods
        return super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        """One step each, and the text that a method looks through."""
        owner = getattr(called, "__self__", None)
        work = get_work(context)
        work.draw(CALL + weigh(owner) + sum(weigh(argument) for argument in args), steps=1)
        if isinstance(owner, str) and called.__name__ == "join":
            return _join(context, args[0], owner) if args else ""
        if isinstance(owner, str) and called.__name__ == "replace":
            return _replace(context, owner, *args)
        return super().call(context, called, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Not offered: a format may pad to any width."""
        return None

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic whose result stays small."""
        for value in (left, right):
            if isinstance(value, str | list | tuple):
                get_work(context).draw(len(value))
        if operator == "%" and isinstance(left, str):
            raise TemplateLimitError("'%' formats text here, which is not allowed")
        if operator == "+" and isinstance(left, str | list | tuple):
            check_size(len(left) + (len(right) if hasattr(right, "__len__") else 0), "'+'")
        if operator == "**":
            check_power(left, right)
        if operator == "*":
            check_product(left, right)
        return super().call_binop(context, operator, left, right)


_COUNTED, _LOOKED_AT, _JOINED = "counted", "looked at", "joined"  # no template can spell two


def join_limited(chunks: Iterable[str]) -> str:
    """What a template writes, as long as a prompt may be."""
    collected, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_RENDERED_CHARS:
            raise TemplateLimitError(f"it wrote more than {MAX_RENDERED_CHARS:,} characters")
        collected.append(chunk)
    return "".join(collected)


def get_work(context: Context) -> Work:
    """What is left to the rendering that this is part of."""
    work = context.resolve_or_missing(WORK)
    assert isinstance(work, Work)
    return work


def _filter(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(cast("nodes.Expr", node), name, [], [], None, None, lineno=node.lineno)


def _replace_joins(node: nodes.Node) -> None:
    """`a ~ b` becomes a list that our filter joins."""
    for child in node.iter_child_nodes():
        _replace_joins(child)
    for field, value in list(node.iter_fields()):
        if isinstance(value, list):
            setattr(node, field, [_as_join(item) for item in value])
        else:
            setattr(node, field, _as_join(value))


def _as_join(value: Any) -> Any:
    if not isinstance(value, nodes.Concat):
        return value
    return _filter(nodes.List(value.nodes, lineno=value.lineno), _JOINED)


@pass_context
def _finalize(context: Context, value: Any) -> Any:
    if value is None:
        return _none_text(context)
    get_work(context).draw(weigh(value))
    return value


@pass_context
def _counted(context: Context, value: Any) -> Any:
    """What a loop goes through: all of it is paid for at once, or each step when it is taken."""
    if hasattr(value, "__len__") and not isinstance(value, Undefined):
        get_work(context).draw(0, steps=len(value))
        return value
    return value if isinstance(value, Undefined) else _steps(get_work(context), value)


def _steps(work: Work, values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        work.draw(0, steps=1)
        yield value


@pass_context
def _looked_at(context: Context, value: Any) -> Any:
    get_work(context).draw(weigh(value))
    return value


@pass_context
def _joined(context: Context, values: list[Any]) -> str:
    get_work(context).draw(weigh(values))
    none = _none_text(context)
    return "".join(none if value is None else str(value) for value in values)


def _none_text(context: Context) -> str:
    return cast("LimitedEnvironment", context.environment).none_text


@pass_context
def _join(context: Context, values: Iterable[Any], d: str = "", attribute: Any = None) -> str:
    listed = values
    if not isinstance(listed, list | tuple | str):
        listed = list(_steps(get_work(context), values))
    weight = weigh(listed) + len(d) * len(listed)
    check_size(weight, "'join'")
    get_work(context).draw(weight)
    return str(FILTERS["join"](context.eval_ctx, listed, d, attribute))


@pass_context
def _replace(context: Context, value: Any, old: str, new: str, count: int = -1) -> str:
    text = str(value)
    times = text.count(old) if count is None or count < 0 else min(text.count(old), count)
    check_size(len(text) + times * max(len(new) - len(old), 0), "'replace'")
    get_work(context).draw(2 * len(text))
    return text.replace(old, new, -1 if count is None else count)


@pass_context
def _indent(
    context: Context, text: str, width: int | str = 4, first: bool = False, blank: bool = False
) -> str:
    wide = len(width) if isinstance(width, str) else width
    check_size(len(text) + (text.count("\n") + 1) * wide, "'indent'")
    get_work(context).draw(len(text))
    return str(FILTERS["indent"](text, width, first, blank))


def _int(value: Any, default: int = 0) -> int:
    if isinstance(value, str) and len(value) > MAX_BITS // 4:
        raise TemplateLimitError("a whole number has too many digits")
    return int(FILTERS["int"](value, default))


def _round(value: float, precision: int = 0) -> float:
    return round(float(value), max(-15, min(precision, 15)))


@pass_context
def _sum(context: Context, values: Iterable[Any], attribute: Any = None) -> Any:
    found = list(_steps(get_work(context), values))
    return FILTERS["sum"](context.environment, found, attribute)


def limited(original: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, which pays for what it looks at and may not return more than a prompt holds."""
    wanted = _PassArg.from_obj(original)

    @pass_context
    def call(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        work = get_work(context)
        work.draw(weigh(value) + sum(weigh(argument) for argument in args), steps=1)
        given = {
            _PassArg.context: (context,),
            _PassArg.eval_context: (context.eval_ctx,),
            _PassArg.environment: (context.environment,),
            None: (),
        }[wanted]
        result = original(*given, value, *args, **kwargs)
        weigh(result)
        return result

    return call
