"""How an eval asks: its messages as a template of ours, proved on every row.

A message's fields (`{{ item.question }}`, `{{ question }}`) become columns of the template. Where
our template would not give the very same text (other tools write lists and truth values in their
own way, and know other filters), the text itself becomes a column. Conversations become a column
of messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rft_core.data import PromptTemplate
from rft_core.data.chats import CHAT
from rft_core.data.template import WHOLE_CHAT
from rft_core.errors import BadInputError
from rft_core.rewards.exchange.evals.imported_eval import EvalFindings
from rft_core.types import Message, Row

SYSTEM_ROLES = ("system", "developer")
ROLES = (*SYSTEM_ROLES, "user", "assistant")
_FIELD = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_NAME = re.compile(r"[A-Za-z_]\w*")

Render = Callable[[str, Row], str]
Asking = tuple[PromptTemplate, tuple[Row, ...]]


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
    findings: EvalFindings,
    namespace: str = "",
) -> Asking | None:
    """Template and rows, which get columns of text where no template says the same.

    `namespace`: what the fields of rows begin with, as in `item.`. None: this cannot be asked, as
    the findings say.
    """
    if not _are_turns(messages, findings):
        return None
    chats = [_merge(messages, partial(_swap, render, row)) for row in rows]
    if any(message.role == "assistant" for message in messages):
        return _as_chats(chats, rows, messages[0].path, findings)
    of_template = _merge(messages, lambda text: _as_jinja(text, namespace))
    if all(_is_short(chat) for chat in [of_template, *chats]):
        template = _template_of(of_template)
        if all(_is_same(template, row, chat) for row, chat in zip(rows, chats, strict=True)):
            return template, tuple(rows)
    return _as_columns(chats, rows, messages[0].path, findings)


def make_asking_of_chats(
    chats: Sequence[Sequence[AskedMessage]], rows: Sequence[Row], findings: EvalFindings
) -> Asking | None:
    """The same where each row brings its own messages, as they are."""
    if not all(_are_turns(chat, findings) for chat in chats):
        return None
    merged = [_merge(chat, lambda text: text) for chat in chats]
    return _as_columns(merged, rows, chats[0][0].path, findings)


def free_name(wanted: str, rows: Sequence[Row]) -> str:
    """The name for a column that no row has yet."""
    taken = {name for row in rows for name in row}
    names = (wanted if number == 1 else f"{wanted}_{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _swap(render: Render, row: Row, text: str) -> str:
    return render(text, row)


def _are_turns(messages: Sequence[AskedMessage], findings: EvalFindings) -> bool:
    """Whether these are messages of known roles, of which a user's is the last."""
    strange = next((message for message in messages if message.role not in ROLES), None)
    if strange is None and messages[-1].role == "user":
        return True
    wrong = strange or messages[-1]
    known = ", ".join(ROLES)
    findings.leave(
        f"{wrong.path}.role",
        f"'{wrong.role}': a prompt ends in a user's message, and its roles are {known}",
    )
    return False


def _merge(messages: Sequence[AskedMessage], fill_in: Callable[[str], str]) -> list[Message]:
    """With what all system messages say in the first, and none where that is blank."""
    told = [fill_in(message.content) for message in messages if message.role in SYSTEM_ROLES]
    system = "\n\n".join(told)
    turns: list[Message] = [
        {"role": message.role, "content": fill_in(message.content)}
        for message in messages
        if message.role not in SYSTEM_ROLES
    ]
    return [{"role": "system", "content": system}, *turns] if system.strip() else turns


def _is_short(chat: Sequence[Message]) -> bool:
    return [message["role"] for message in chat if message["role"] != "system"] == ["user"]


def _as_jinja(text: str, namespace: str) -> str:
    def convert(field: re.Match[str]) -> str:
        path = field[1].removeprefix(namespace)
        return f"{{{{ {path} }}}}" if _NAME.match(path) else field[0]

    return _FIELD.sub(convert, text)


def _template_of(chat: Sequence[Message]) -> PromptTemplate:
    texts = {message["role"]: message["content"] for message in chat}
    return PromptTemplate(texts.get("system", ""), texts["user"])


def _is_same(template: PromptTemplate, row: Row, chat: Sequence[Message]) -> bool:
    try:
        return template.render(row) == list(chat)
    except BadInputError:
        return False


def _as_columns(
    chats: Sequence[Sequence[Message]], rows: Sequence[Row], path: str, findings: EvalFindings
) -> Asking | None:
    """The texts in columns where all are one question, else the whole chat in one."""
    if not all(_is_short(chat) for chat in chats):
        return _as_chats(chats, rows, path, findings)
    user, system = free_name("prompt", rows), free_name("system", rows)
    texts = [{message["role"]: message["content"] for message in chat} for chat in chats]
    if not any("system" in text for text in texts):
        with_texts = [{**row, user: text["user"]} for row, text in zip(rows, texts, strict=True)]
        return PromptTemplate("", f"{{{{ {user} }}}}"), tuple(with_texts)
    with_texts = [
        {**row, system: text.get("system", ""), user: text["user"]}
        for row, text in zip(rows, texts, strict=True)
    ]
    return PromptTemplate(f"{{{{ {system} }}}}", f"{{{{ {user} }}}}"), tuple(with_texts)


def _as_chats(
    chats: Sequence[Sequence[Message]], rows: Sequence[Row], path: str, findings: EvalFindings
) -> Asking | None:
    """Each row's chat in a column of its own, where the template then asks exactly that."""
    template = PromptTemplate("", WHOLE_CHAT)
    with_chats = [{**row, CHAT: list(chat)} for row, chat in zip(rows, chats, strict=True)]
    is_free = not any(CHAT in row for row in rows)
    if is_free and all(map(lambda row, chat: _is_same(template, row, chat), with_chats, chats)):
        return template, tuple(with_chats)
    findings.leave(
        path,
        "this conversation cannot be asked as it is. Write it into one user message"
        if is_free
        else f"the rows have a column '{CHAT}' already, where it would stand. Rename that",
    )
    return None
