"""Rows as other tools write them -> columns that templates and tasks can name.

A chat of any spelling (`chats`) becomes the column `messages`, whole, and `completion`, the text of
its last assistant's turn: the reference. Alpaca's `instruction` and `input` become one `prompt`.
A row that cannot be used is left out with the reason, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rft_core.data.chats import CHAT, find_turns, read_chat, split_reference
from rft_core.data.nested import get_cell, list_columns
from rft_core.data.table import Table, is_missing
from rft_core.errors import BadInputError
from rft_core.types import Message, Row

REFERENCE = "completion"
MOST_SHOWN = 5  # of the rows left out, in a message

_CHAT_NAMES = (CHAT, "prompt", "conversations", "conversation", "chat", "dialogue", "dialog")
_NO_PROMPTS = ("chosen", "rejected", REFERENCE, "response", "history")
_ALPACA = ("instruction", "input")
_JOINED = "prompt"
_SYSTEM, _HISTORY = "system", "history"
_SAMPLE = 50


@dataclass(frozen=True)
class Adopted:
    """A table with our columns, and the rows that could not be used: "Row 3: ...".

    `format` is what its rows were, empty where they are as they came; `remark` says what became of
    them.
    """

    table: Table
    format: str = ""
    left_out: tuple[str, ...] = ()
    remark: str = ""

    @property
    def notice(self) -> str:
        """What to tell about rows left out; empty if all were used."""
        if not self.left_out:
            return ""
        shown = list(self.left_out[:MOST_SHOWN])
        if len(self.left_out) > MOST_SHOWN:
            shown.append(f"and {len(self.left_out) - MOST_SHOWN:,} more")
        count = f"{len(self.left_out):,} of {len(self.left_out) + len(self.table.rows):,}"
        return f"{count} rows of {self.format} cannot be used: {'; '.join(shown)}."


def adopt_rows(table: Table) -> Adopted:
    """The table with chats in `messages` and Alpaca's prompts in one column; others as they are.

    Raises `BadInputError` where no row can be used.
    """
    column = find_chat_column(table)
    if column is not None:
        return _adopt_chats(table, column)
    if _JOINED not in table.columns and all(_is_text(table, name) for name in _ALPACA):
        return _adopt_alpaca(table)
    if REFERENCE in table.columns and _holds_chats(table, REFERENCE):
        return Adopted(_read_references(table))
    return Adopted(table)


def find_chat_column(table: Table) -> str | None:
    """The column, or nested value (`body.messages`), with the chats that ask; None if none has."""
    found = [name for name in list_columns(table) if _holds_chats(table, name)]
    found = [name for name in found if name.rpartition(".")[2].casefold() not in _NO_PROMPTS]

    def rank(name: str) -> int:
        leaf = name.rpartition(".")[2].casefold()
        return _CHAT_NAMES.index(leaf) if leaf in _CHAT_NAMES else len(_CHAT_NAMES)

    return min(found, key=rank, default=None)


def _adopt_chats(table: Table, column: str) -> Adopted:
    if column != CHAT and CHAT in table.columns:
        raise BadInputError(
            f"'{table.name}' has a column '{CHAT}' that holds no chats",
            f"the chats of '{column}' would stand there",
            f"Rename the column '{CHAT}', or remove it",
        )
    system = _SYSTEM if _SYSTEM in table.columns and _is_text(table, _SYSTEM) else ""
    rows, left_out = [], []
    for number, row in enumerate(table.rows, start=1):
        try:
            chat = _read_whole(row, column, system)
        except ValueError as error:
            left_out.append(f"Row {number}: {error}")
            continue
        others = {name: cell for name, cell in row.items() if name not in (column, system)}
        answer = others.pop(REFERENCE, None)
        is_text = isinstance(answer, str) and find_turns(answer) is None
        reference = answer if is_text and answer else split_reference(chat)[1]
        rows.append({CHAT: chat, REFERENCE: reference or None} | others)
    if not rows:
        raise BadInputError(
            f"No row of '{table.name}' can be used",
            f"'{column}' holds chats, but {left_out[0]}",
            "Write turns of system, user and assistant as texts, a user's last, or an answer to it",
        )
    answered = sum(row[REFERENCE] is not None for row in rows)
    if not answered:
        rows = [{name: cell for name, cell in row.items() if name != REFERENCE} for row in rows]
    remark = f"'{column}' holds chats: their turns stay turns, in the column '{CHAT}'"
    if answered:
        remark += (
            f"; {answered:,} of them end with an assistant's turn, which is not asked: it is the "
            f"reference, in the column '{REFERENCE}'"
        )
    adopted = Table(table.name, table.format, tuple(rows[0]), tuple(rows))
    return Adopted(adopted, "chats", tuple(left_out), f"{remark}.")


def _read_whole(row: Row, column: str, system: str) -> list[Message]:
    """The row's chat with what stands beside it: a system message, and TRL's `completion`."""
    chat = read_chat(get_cell(row, column))
    said = row.get(system) if system else None
    if not is_missing(said) and all(turn["role"] != "system" for turn in chat):
        chat = [{"role": "system", "content": str(said)}, *chat]
    answer = row.get(REFERENCE)
    if chat[-1]["role"] != "assistant" and not is_missing(answer):
        turns = find_turns(answer)
        text = answer if isinstance(answer, str) and turns is None else None
        chat += read_chat(turns) if text is None else [{"role": "assistant", "content": text}]
    asked = split_reference(chat)[0]
    if not asked or asked[-1]["role"] != "user":
        raise ValueError("its chat has no turn of a user to answer, at its end or before the last")
    return chat


def _read_references(table: Table) -> Table:
    """TRL's `completion` of one assistant's turn beside a prompt that is a text: what it says."""

    def read(cell: Any) -> Any:
        turns = find_turns(cell)
        try:
            chat = read_chat(turns) if turns and len(turns) == 1 else []
        except ValueError:
            chat = []
        return chat[0]["content"] if chat and chat[0]["role"] == "assistant" else cell

    rows = tuple({**row, REFERENCE: read(row.get(REFERENCE))} for row in table.rows)
    return Table(table.name, table.format, table.columns, rows)


def _adopt_alpaca(table: Table) -> Adopted:
    """`instruction` and `input` as one text; with `system` and `history` beside them, as a chat."""
    with_history = _HISTORY in table.columns and _holds_pairs(table, _HISTORY)
    with_system = _SYSTEM in table.columns and _is_text(table, _SYSTEM)
    rows: list[dict[str, Any]] = []
    for row in table.rows:
        parts = [str(row[name]) for name in _ALPACA if not is_missing(row[name])]
        asked = "\n".join(parts)
        if not (with_history or with_system):
            rows.append({_JOINED: asked} | dict(row))
            continue
        system = row.get(_SYSTEM) if with_system else None
        turns = [] if is_missing(system) else [{"role": "system", "content": str(system)}]
        for question, answer in (row.get(_HISTORY) or []) if with_history else []:
            turns.append({"role": "user", "content": str(question)})
            turns.append({"role": "assistant", "content": str(answer)})
        rows.append({CHAT: [*turns, {"role": "user", "content": asked}]} | dict(row))
    made = CHAT if with_history or with_system else _JOINED
    remark = f"Alpaca's rows: 'instruction' and 'input' are joined in the column '{made}'."
    adopted = Table(table.name, table.format, tuple(rows[0]), tuple(rows))
    return Adopted(adopted, "Alpaca", (), remark)


def _holds_chats(table: Table, column: str) -> bool:
    return any(find_turns(cell) is not None for cell in _sample(table, column))


def _is_text(table: Table, column: str) -> bool:
    """Whether the column is there and holds nothing but texts, of which some may be missing."""
    return column in table.columns and all(isinstance(cell, str) for cell in _sample(table, column))


def _holds_pairs(table: Table, column: str) -> bool:
    """Whether all cells are lists of [question, answer], as LLaMA-Factory writes a history."""
    return all(
        isinstance(cell, Sequence) and all(isinstance(p, list) and len(p) == 2 for p in cell)
        for cell in _sample(table, column)
    )


def _sample(table: Table, column: str) -> Iterator[Any]:
    cells = (get_cell(row, column) for row in table.rows)
    return islice((cell for cell in cells if not is_missing(cell)), _SAMPLE)
