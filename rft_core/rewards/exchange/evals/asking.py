"""How an eval asks: its messages as a template of ours, proved on every row.

A message's fields (`{{ item.question }}`, `{{ question }}`) become columns of the template. Where
our template would not give the very same text (other tools write lists and truth values in their
own way, and know other filters), the text itself becomes a column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rft_core.data import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.rewards.exchange.evals.imported_eval import Findings
from rft_core.types import Row

SYSTEM_ROLES = ("system", "developer")
FIELD = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_NAME = re.compile(r"[A-Za-z_]\w*")

Render = Callable[[str, Row], str]


@dataclass(frozen=True)
class AskedMessage:
    """A message as the eval has it, with its fields. `path`: where it stands in the file."""

    role: str
    content: str
    path: str


def make_asking(
    messages: Sequence[AskedMessage],
    rows: Sequence[Row],
    render: Render,
    findings: Findings,
    namespace: str = "",
) -> tuple[PromptTemplate, tuple[Row, ...]] | None:
    """Template and rows, which get columns of text where no template says the same.

    `namespace`: what the fields of rows begin with, as in `item.`. None: this cannot be asked, as
    the findings say.
    """
    texts = _read_texts(messages, findings)
    if texts is None:
        return None
    template = PromptTemplate(*(_as_jinja(text, namespace) for text in texts))
    rendered = [tuple(render(text, row) for text in texts) for row in rows]
    if all(_is_same(template, row, asked) for row, asked in zip(rows, rendered, strict=True)):
        return template, tuple(rows)
    return _as_columns(rows, rendered)


def make_asking_of_chats(
    chats: Sequence[Sequence[AskedMessage]], rows: Sequence[Row], findings: Findings
) -> tuple[PromptTemplate, tuple[Row, ...]] | None:
    """The same where each row brings its own messages, as they are."""
    read = [_read_texts(chat, findings) for chat in chats]
    texts = [text for text in read if text is not None]
    return _as_columns(rows, texts) if len(texts) == len(rows) else None


def free_name(wanted: str, rows: Sequence[Row]) -> str:
    """The name for a column that no row has yet."""
    taken = {name for row in rows for name in row}
    names = (wanted if number == 1 else f"{wanted}_{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _read_texts(
    messages: Sequence[AskedMessage], findings: Findings
) -> tuple[str, str] | None:
    """System and user text of messages that are a prompt here; None where they are none."""
    users = [message for message in messages if message.role not in SYSTEM_ROLES]
    if [message.role for message in users] != ["user"] or messages[-1] is not users[0]:
        wrong = next((m for m in users if m is not messages[-1] or m.role != "user"), messages[-1])
        findings.leave(
            f"{wrong.path}.role",
            f"'{wrong.role}': a prompt is one user message here, with system messages before it. "
            "Write the conversation into the user message",
        )
        return None
    return "\n\n".join(message.content for message in messages[:-1]), users[0].content


def _as_jinja(text: str, namespace: str) -> str:
    def convert(field: re.Match[str]) -> str:
        path = field[1].removeprefix(namespace)
        return f"{{{{ {path} }}}}" if _NAME.match(path) else field[0]

    return FIELD.sub(convert, text)


def _is_same(template: PromptTemplate, row: Row, asked: tuple[str, ...]) -> bool:
    try:
        given = {message["role"]: message["content"] for message in template.render(row)}
    except BadInputError:
        return False
    system, user = asked
    return given.get("user") == user and given.get("system", "") == (system if system.strip() else "")


def _as_columns(
    rows: Sequence[Row], rendered: Sequence[tuple[str, ...]]
) -> tuple[PromptTemplate, tuple[Row, ...]]:
    user = free_name("prompt", rows)
    if not any(system.strip() for system, _ in rendered):
        with_texts = [{**row, user: asked} for row, (_, asked) in zip(rows, rendered, strict=True)]
        return PromptTemplate("", f"{{{{ {user} }}}}"), tuple(with_texts)
    system = free_name("system", rows)
    with_texts = [
        {**row, system: told, user: asked}
        for row, (told, asked) in zip(rows, rendered, strict=True)
    ]
    return PromptTemplate(f"{{{{ {system} }}}}", f"{{{{ {user} }}}}"), tuple(with_texts)
