"""A model's chat template, rendered within the limits that hold for templates of strangers.

It writes what transformers' own rendering writes (same options, same names), but it may do no more
work than a prompt needs, for whatever messages: a template can be harmless on a sample and wait
for a certain row. So every rendering is limited, not only a trial. No process is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2 import pass_context as with_context
from jinja2.ext import Extension, loopcontrols
from jinja2.filters import FILTERS
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.utils import Cycler, Joiner, Namespace

from rft_core.data.template_limits import (
    WORK,
    LimitedEnvironment,
    get_work,
    join_limited,
    limited,
)
from rft_core.data.template_work import MAX_SOURCE_CHARS, TemplateLimitError, Work, weigh
from rft_core.errors import BadInputError
from rft_core.types import Message

MAX_DEPTH = 50  # of what is written as JSON
MAX_INDENT = 16
_MORE_FILTERS = ("e", "escape", "forceescape", "groupby", "safe", "striptags", "truncate")
_MORE_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(("format", "isascii", "isdecimal", "isidentifier", "isprintable", "istitle")),
    dict: frozenset(("copy",)),
    list: frozenset(("copy",)),
}
# A width of thousands, one that comes from elsewhere, or a field within a field.
_WIDE = re.compile(r"\d{4,}|\*|\{[^{}]*\{")


def render_chat(
    template: str,
    messages: Sequence[Message],
    *,
    special_tokens: Mapping[str, str],
    prompt: bool,
    told: Mapping[str, Any] | None = None,
) -> str:
    """The conversation as text. `prompt`: up to where the model is to write. `told`: more names
    that the template may read, such as `enable_thinking`.

    Raises BadInputError where the template refuses the messages, fails, or wants too much.
    """
    work = Work(len(template))
    context = {
        "tools": None, "documents": None, **special_tokens, **(told or {}),
        "messages": list(messages), "add_generation_prompt": prompt,
        "range": work.range, WORK: work,
    }  # fmt: skip
    try:
        return join_limited(_compile(template).generate(context))
    except TemplateLimitError as error:
        raise BadInputError(
            "The model's chat template asks for more than any prompt needs",
            str(error),
            "Download the model again from where you trust it, or use another one",
        ) from error
    except TemplateSyntaxError as error:
        raise BadInputError(
            f"The model's chat template cannot be read, line {error.lineno}",
            (error.message or "")[:300],
            "Download the model again, or use another one",
        ) from error
    except TemplateError as error:
        raise BadInputError(
            "The model's chat template refuses these messages",
            str(error)[:300],
            "Some models take no system message, or want user and assistant to alternate",
        ) from error
    # Whatever else an expression can raise is the template's mistake, not the program's.
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError,
            RecursionError, MemoryError, AssertionError) as error:  # fmt: skip
        raise BadInputError(
            "The model's chat template fails on these messages",
            f"{type(error).__name__}: {str(error)[:300]}",
            "Download the model again, or use another one",
        ) from error


@lru_cache(maxsize=16)
def _compile(template: str) -> Template:
    if len(template) > MAX_SOURCE_CHARS:
        raise TemplateLimitError(f"it has more than {MAX_SOURCE_CHARS:,} characters")
    return ChatEnvironment().from_string(template)


class GenerationTag(Extension):
    """`{% generation %}` marks what the model has written: text like any other."""

    tags = {"generation"}  # noqa: RUF012  # as jinja declares it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class ChatEnvironment(LimitedEnvironment):
    """Jinja as transformers sets it up for chat templates, with our limits."""

    none_text = "None"
    methods = {  # noqa: RUF012  # read only
        kind: names | _MORE_METHODS.get(kind, frozenset())
        for kind, names in LimitedEnvironment.methods.items()
    }

    def __init__(self) -> None:
        super().__init__(
            undefined=Undefined, keep_trailing_newline=False, trim_blocks=True, lstrip_blocks=True,
            extensions=[GenerationTag, loopcontrols],
        )  # fmt: skip
        self.filters |= {name: limited(FILTERS[name]) for name in _MORE_FILTERS}
        self.filters |= {"tojson": _to_json, "format": limited(_format)}
        self.globals |= {
            "namespace": _Namespace, "dict": dict, "cycler": Cycler, "joiner": Joiner,
            "raise_exception": _refuse, "strftime_now": _format_now,
        }  # fmt: skip

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Jinja's own, for formats that do not pad far."""
        _check_widths(getattr(value, "__self__", None))
        return super(LimitedEnvironment, self).wrap_str_format(value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """As elsewhere; and `%` formats text where it does not pad far."""
        if operator == "%" and isinstance(left, str):
            get_work(context).draw(len(left) + weigh(right))
            return _format(left, *(right if isinstance(right, tuple) else (right,)))
        return super().call_binop(context, operator, left, right)


class _Namespace(Namespace):
    """Written out it is a name, where jinja's would be all that it holds."""

    def __repr__(self) -> str:
        return "<Namespace>"


def _check_widths(text: object) -> None:
    if isinstance(text, str) and _WIDE.search(text):
        raise TemplateLimitError("a format pads its text too far")


def _format(value: str, *args: Any, **kwargs: Any) -> str:
    _check_widths(value)
    return str(value) % (kwargs or args)


@with_context
def _to_json(
    context: Context,
    x: Any,
    *,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """As transformers has it: no HTML is escaped."""
    width = len(indent) if isinstance(indent, str) else indent or 0
    if width > MAX_INDENT or any(len(mark) > MAX_INDENT for mark in separators or ()):
        raise TemplateLimitError("'tojson' spaces its text too far")
    weight = weigh(x)  # before its depth: a list that holds another twice, many times over, is cut
    get_work(context).draw(weight * (1 + _measure_depth(x) * width), steps=1)
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _measure_depth(value: Any) -> int:
    """How many lists and mappings stand within one another."""
    deep, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list | tuple)]:
        deep += 1
        if deep > MAX_DEPTH:
            raise TemplateLimitError(f"'tojson' writes what is nested {MAX_DEPTH} times and more")
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return deep


def _refuse(message: str) -> None:
    raise TemplateError(message)


def _format_now(format: str) -> str:
    return datetime.now().strftime(format)
