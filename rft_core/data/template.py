"""System and user templates: a row becomes the chat messages that a model is asked.

Templates are Jinja in a sandbox (`template_limits`), strict about unknown names.
This file stops at messages: the exact string a model sees needs its tokenizer's chat template,
which is the business of `sampling`.
"""

from __future__ import annotations

import difflib
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import TracebackType
from typing import Any

from jinja2 import Template, TemplateSyntaxError, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError

from rft_core.data.chats import get_asked
from rft_core.data.template_limits import WORK, LimitedEnvironment, join_limited
from rft_core.data.template_work import (
    MAX_SOURCE_CHARS,
    Work,
)
from rft_core.errors import BadInputError
from rft_core.types import Message

WHOLE_CHAT = "{{ messages }}"
_CHAT_MARK = re.compile(r"\{\{-?\s*messages\s*-?\}\}")


def ask_chats(template: PromptTemplate, field: str) -> PromptTemplate:
    """The template with the row's chat in the place of `{{ field }}`, where it prints that first.

    So what a task writes around a question stands around the last turn of a chat.
    """
    place = re.compile(rf"\{{\{{-?\s*{re.escape(field)}\s*-?\}}\}}")
    return replace(template, user=place.sub(WHOLE_CHAT, template.user, count=1))


@dataclass(frozen=True)
class PromptTemplate:
    """Two Jinja sources. Columns are variables (`{{ nums }}`), and also `{{ row["any name"] }}`."""

    system: str
    user: str

    def render(self, row: Mapping[str, Any]) -> list[Message]:
        """The messages for one row; no system message when it comes out blank.

        `{{ messages }}` in the user template stands for the row's own chat, without a last turn of
        an assistant: its turns stay turns, and what is written around it is added to the last. The
        system template comes before the chat's own system message, in one message with it.
        Raises BadInputError that names the template, the line, the variable and the columns.
        """
        system = self._render_part("system", row)
        asked = get_asked(row) if self.asks_chats else None
        if asked is None:
            user = self._render_part("user", row)
            return _with_system(system, [{"role": "user", "content": user}])
        *earlier, last = asked
        text = last["content"]
        if self.user.strip() != WHOLE_CHAT:
            text = self._render_part("user", {**row, "messages": text})
        return _with_system(system, [*earlier, {"role": last["role"], "content": text}])

    @property
    def asks_chats(self) -> bool:
        """Whether the user template has a place for the row's chat."""
        return _CHAT_MARK.search(self.user) is not None

    @property
    def literals(self) -> tuple[str, ...]:
        """The texts that the templates themselves write into prompts, whatever the row.

        Raises BadInputError for a template with a syntax error.
        """
        texts: list[str] = []
        for part in ("system", "user"):
            _compile(part, getattr(self, part))
            tree = LimitedEnvironment().parse(getattr(self, part))
            texts += [data.data for data in tree.find_all(nodes.TemplateData)]
        return tuple(texts)

    @property
    def variables(self) -> frozenset[str]:
        """Columns the templates mention, as `{{ name }}`, `{{ row.name }}` or `{{ row["name"] }}`.

        Raises BadInputError for a template with a syntax error.
        """
        names: set[str] = set()
        for part in ("system", "user"):
            source = getattr(self, part)
            _compile(part, source)
            tree = LimitedEnvironment().parse(source)
            names |= meta.find_undeclared_variables(tree) - {"row", "range"}
            names |= {node.attr for node in tree.find_all(nodes.Getattr) if _is_row(node.node)}
            names |= {
                node.arg.value
                for node in tree.find_all(nodes.Getitem)
                if _is_row(node.node) and isinstance(node.arg, nodes.Const)
            }
        return frozenset(names)

    def _render_part(self, part: str, row: Mapping[str, Any]) -> str:
        source = getattr(self, part)
        template, work = _compile(part, source), Work(len(source))
        context = {"row": row, "range": work.range, **row, WORK: work}
        try:
            return join_limited(template.generate(context))
        except UndefinedError as error:
            raise _undefined_error(part, error, list(row)) from error
        except SecurityError as error:
            raise BadInputError(
                f"The {part} template was stopped in line {_line_of(error)}",
                str(error),
                "Templates may only use the row's values",
            ) from error
        # Whatever else an expression can raise is the template's mistake, not the program's.
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError,
                RecursionError, MemoryError, AssertionError) as error:  # fmt: skip
            raise BadInputError(
                f"The {part} template failed in line {_line_of(error)}",
                str(error) or type(error).__name__,
                "Correct the template",
            ) from error


@lru_cache(maxsize=64)
def _compile(part: str, source: str) -> Template:
    if len(source) > MAX_SOURCE_CHARS:
        raise BadInputError(
            f"The {part} template is too long",
            f"it has {len(source):,} characters, the limit is {MAX_SOURCE_CHARS:,}",
            "Put long texts into the rows",
        )
    try:
        return LimitedEnvironment().from_string(source)
    except TemplateSyntaxError as error:
        raise BadInputError(
            f"The {part} template has a syntax error in line {error.lineno}",
            error.message or "",
            "Correct the template; columns are written as {{ column }}",
        ) from error
    except RecursionError as error:
        raise BadInputError(
            f"The {part} template is nested too deeply", "", "Write it with fewer blocks in blocks"
        ) from error


def _with_system(system: str, turns: list[Message]) -> list[Message]:
    if not system.strip():
        return turns
    if turns[0]["role"] == "system":  # chat templates take one such message, and it comes first
        both = f"{system}\n\n{turns[0]['content']}"
        return [{"role": "system", "content": both}, *turns[1:]]
    return [{"role": "system", "content": system}, *turns]


def length_summary(lengths: Sequence[int]) -> dict[str, float]:
    """{"min", "median", "p95", "max"} of prompt lengths; p95 by nearest rank."""
    if not lengths:
        raise BadInputError("There are no prompts to measure", "", "Keep at least one row")
    ordered = sorted(lengths)
    return {
        "min": ordered[0],
        "median": statistics.median(ordered),
        "p95": ordered[math.ceil(0.95 * len(ordered)) - 1],
        "max": ordered[-1],
    }


def _is_row(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "row"


def _undefined_error(part: str, error: UndefinedError, columns: list[str]) -> BadInputError:
    message = error.message or "a name is undefined"
    wanted = message.split("'")[-2] if message.count("'") >= 2 else ""
    close = difflib.get_close_matches(wanted, columns, n=1)
    return BadInputError(
        f"The {part} template, line {_line_of(error)}: {message}",
        f"the columns are {', '.join(columns) or '(none)'}",
        f"Did you mean '{close[0]}'?" if close else "Use one of these columns",
    )


def _line_of(error: BaseException) -> int:
    """The template's line, from the traceback frames that Jinja rewrites to template lines."""
    line = 1
    frame: TracebackType | None = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    return line
