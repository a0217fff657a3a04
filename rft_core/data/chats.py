"""Chats: a conversation in a cell, as other tools write it, as turns with a role and a text.

TRL's and OpenAI's `[{"role": "user", "content": ...}]`, ShareGPT's `[{"from": "human", "value":
...}]`, either of them as JSON text or as pandas writes it to CSV (Python's), and OpenAI's contents
in parts. Not here: which column of a
table is a chat (`row_forms`), and what a template writes around one (`template`).
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any

from rft_core.data.table import excerpt
from rft_core.types import Message, Row

CHAT = "messages"
"""The column in which a row's chat stands."""

ROLES = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant",
}  # fmt: skip
_WHO, _WHAT = ("role", "from", "speaker"), ("content", "value", "text")


def find_turns(cell: Any) -> list[Mapping[str, Any]] | None:
    """The turns of a cell that holds a chat, unread; None for anything else."""
    if isinstance(cell, str) and cell.lstrip()[:1] == "[":
        cell = _read_list(cell.strip())
    if isinstance(cell, Mapping):
        cell = [cell]
    is_chat = isinstance(cell, list) and bool(cell) and all(map(_is_turn, cell))
    return cell if is_chat else None


def _read_list(text: str) -> Any:
    """A list in JSON or in Python's own form, where it may hold turns; None for anything else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if not text.startswith(("[{'", '[{"')):
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def read_chat(cell: Any) -> list[Message]:
    """Its turns, of the roles system, user and assistant; a plain text is a user's turn.

    Raises `ValueError`, which says why, for a cell that is no chat and for turns that no chat
    template is sure to know: tools, images, other roles.
    """
    turns = find_turns(cell)
    if turns is not None:
        return [_read_turn(number, turn) for number, turn in enumerate(turns, start=1)]
    if isinstance(cell, str) and cell.strip():
        return [{"role": "user", "content": cell}]
    raise ValueError("there is no chat" if not cell else f"{excerpt(str(cell))} is no chat")


def split_reference(chat: Sequence[Message]) -> tuple[list[Message], str]:
    """What is asked, and the last turn where an assistant has it: the reference. Else ""."""
    if chat and chat[-1]["role"] == "assistant":
        return list(chat[:-1]), chat[-1]["content"]
    return list(chat), ""


def get_asked(row: Row) -> list[Message] | None:
    """The turns of the row's chat that a model is asked; None for a row without a chat."""
    turns = row.get(CHAT)
    if not isinstance(turns, list) or not turns or not all(map(_is_message, turns)):
        return None
    chat = [{"role": turn["role"], "content": turn["content"]} for turn in turns]
    return split_reference(chat)[0] or None


def split_chat(row: Row) -> tuple[list[Message], str] | None:
    """Of a row with a chat in `messages` that an assistant ends: what it answers, and its answer.

    None for any other row.
    """
    asked = get_asked(row)
    if asked is None or len(asked) == len(row[CHAT]):
        return None
    return asked, str(row[CHAT][-1]["content"])


def _is_message(turn: Any) -> bool:
    return isinstance(turn, Mapping) and all(
        isinstance(turn.get(part), str) for part in ("role", "content")
    )


def _is_turn(turn: Any) -> bool:
    if not isinstance(turn, Mapping):
        return False
    says = any(key in turn for key in (*_WHAT, "tool_calls"))
    who = _first(turn, _WHO)
    is_named = "speaker" in turn or not any(key in turn for key in (*_WHAT[:2], "tool_calls"))
    return says and isinstance(who, str) and (who.casefold() in ROLES or not is_named)


def _first(turn: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((turn[key] for key in keys if key in turn), None)


def _read_turn(number: int, turn: Mapping[str, Any]) -> Message:
    who = str(_first(turn, _WHO)).strip()
    if turn.get("tool_calls") or turn.get("function_call"):
        raise ValueError(f"turn {number} of its chat calls a tool, and no tools are run here")
    role = ROLES.get(who.casefold())
    if role is None:
        known = "system, user and assistant"
        raise ValueError(f"turn {number} of its chat has the role {excerpt(who)}, not {known}")
    return {"role": role, "content": _read_content(number, _first(turn, _WHAT))}


def _read_content(number: int, content: Any) -> str:
    """A text, or OpenAI's list of parts, which must all be texts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, int | float) and not isinstance(content, bool):
        return str(content)  # a sheet's cell that became a number on its way
    texts = []
    for part in content if isinstance(content, list) else [content]:
        text = part if isinstance(part, str) else part.get("text") if _is_part(part) else None
        if not isinstance(text, str):
            kind = part.get("type", "object") if isinstance(part, Mapping) else type(part).__name__
            raise ValueError(f"turn {number} of its chat holds {excerpt(str(kind))}, not only text")
        texts.append(text)
    return "".join(texts)


def _is_part(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type", "text") in ("text", "input_text")
