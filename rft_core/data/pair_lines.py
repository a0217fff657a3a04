"""Files of pairs, as TRL's preference datasets write them: columns `prompt`, `chosen`, `rejected`.

Each is a text or a list of messages; without `prompt`, what both answers begin with is the prompt,
as TRL's `extract_prompt` has it. `margin`, `row`, `source` and `group` are read where a file brings
them. Files are parsed by the readers of prompts, so that CSV, JSON and Parquet do as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from rft_core.data.pair_set import Pair, check_pair
from rft_core.data.table import Table, is_missing
from rft_core.errors import BadInputError, quote
from rft_core.types import Messages, Row

ANSWERS = ("chosen", "rejected")
EXAMPLE = '{"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}'


@dataclass(frozen=True)
class ImportedPairs:
    """`same_text`: rows left out, whose answers were one text. `implicit`: prompts found by us."""

    pairs: tuple[Pair, ...]
    same_text: int = 0
    implicit: int = 0

    def describe(self) -> str:
        """'10 pairs; 2 rows were left out: both answers are the same text.'"""
        parts = [f"{len(self.pairs):,} pairs"]
        if self.same_text:
            rows = "row was" if self.same_text == 1 else "rows were"
            parts.append(f"{self.same_text:,} {rows} left out: both answers are the same text")
        if self.implicit:
            parts.append(f"the prompt of {self.implicit:,} is what both answers begin with")
        return "; ".join(parts) + "."


def read_pairs(table: Table) -> ImportedPairs:
    """Every row as a pair. Raises BadInputError for the first that is none, with its number."""
    missing = [column for column in ANSWERS if column not in table.columns]
    if missing:
        raise BadInputError(
            f"'{table.name}' has no column {' and no column '.join(map(repr, missing))}",
            f"its columns are {', '.join(table.columns)[:200]}",
            f"Write each line as {EXAMPLE}",
        )
    pairs: list[Pair] = []
    same_text = implicit = 0
    for number, row in enumerate(table.rows, start=1):
        where = f"Row {number}"
        if row["chosen"] == row["rejected"] and not is_missing(row["chosen"]):
            same_text += 1
            continue
        implicit += is_missing(row.get("prompt"))
        pair = _read_pair(row, table.name, where)
        check_pair(pair, where)
        pairs.append(pair)
    found = ImportedPairs(tuple(pairs), same_text, implicit)
    if not pairs:
        raise BadInputError(
            "There is no pair to learn from", found.describe(), "Choose another file"
        )
    return found


def write_pairs(pairs: Iterable[Pair]) -> str:
    """JSON lines in TRL's conversational form, which `read_pairs` reads back unchanged."""
    return "".join(json.dumps(_pair_line(pair), ensure_ascii=False) + "\n" for pair in pairs)


def _pair_line(pair: Pair) -> dict[str, Any]:
    def answer(text: str) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": text}]

    line: dict[str, Any] = {
        "prompt": [{"role": m["role"], "content": m["content"]} for m in pair.messages],
        "chosen": answer(pair.chosen),
        "rejected": answer(pair.rejected),
    }
    extra = {
        "margin": pair.margin,
        "row": None if pair.row is None else dict(pair.row),
        "source": pair.source or None,
        "group": pair.group or None,
    }
    return line | {key: value for key, value in extra.items() if value is not None}


def _read_pair(row: Row, name: str, where: str) -> Pair:
    prompt = row.get("prompt")
    is_chat = isinstance(row["chosen"], list)
    messages = [] if is_missing(prompt) else _read_prompt(prompt, where)
    sides: list[Any] = [_read_side(row[column], column, is_chat, where) for column in ANSWERS]
    # A chat that repeats its prompt in both answers is TRL's implicit form with a prompt beside it.
    if not messages or (is_chat and all(len(side) > 1 for side in sides)):
        shared = _count_shared(*sides)
        messages = sides[0][:shared] if is_chat else _as_user(sides[0][:shared])
        sides = [side[shared:] for side in sides]
        if not messages:
            raise BadInputError(
                f"{where} has no prompt",
                "there is no column 'prompt', and the answers do not begin alike",
                "Add the prompt that both answers were written for",
            )
    chosen, rejected = (_last_text(side, c, where) for side, c in zip(sides, ANSWERS, strict=True))
    return Pair(
        messages, chosen, rejected,
        row=_read_row(row.get("row"), where), margin=_read_margin(row.get("margin"), where),
        source=str(row.get("source") or name), group=str(row.get("group") or ""),
    )  # fmt: skip


def _read_prompt(value: Any, where: str) -> Messages:
    return _as_user(value) if isinstance(value, str) else _read_messages(value, "prompt", where)


def _as_user(text: str) -> Messages:
    return [{"role": "user", "content": text}] if text.strip() else []


def _read_side(value: Any, column: str, is_chat: bool, where: str) -> Any:
    """A text, or messages: the same for both answers of a row."""
    if is_missing(value):
        raise BadInputError(f"{where} has no {column!r} answer", "", "Write it, or remove the row")
    if is_chat:
        return _read_messages(value, column, where)
    if not isinstance(value, str):
        raise BadInputError(
            f"{where}: {column!r} is a {type(value).__name__}",
            "an answer is a text or a list of messages, and the same in both columns",
            "Write both as texts, or both as lists of messages",
        )
    return value


def _read_messages(value: Any, column: str, where: str) -> list[Mapping[str, str]]:
    if not isinstance(value, list):
        raise _no_messages(value, column, where)
    found: list[Mapping[str, str]] = []
    for message in value:
        is_message = isinstance(message, dict) and all(
            isinstance(message.get(part), str) for part in ("role", "content")
        )
        if not is_message:
            raise _no_messages(message, column, where)
        found.append({"role": message["role"], "content": message["content"]})
    return found


def _no_messages(value: Any, column: str, where: str) -> BadInputError:
    return BadInputError(
        f"{where}: {column!r} holds {quote(value)}",
        "it is neither a text nor a list of messages",
        'Write a message as {"role": "user", "content": "..."}',
    )


def _count_shared(chosen: Sequence[Any], rejected: Sequence[Any]) -> int:
    """How many messages or characters both begin with; a text is cut before the last space."""
    both = zip(chosen, rejected, strict=False)
    shared = len(list(takewhile(lambda pair: pair[0] == pair[1], both)))
    if isinstance(chosen, str) and shared and chosen[shared - 1] == " ":
        return shared - 1
    return shared


def _last_text(side: Any, column: str, where: str) -> str:
    """The answer itself: a text, or the one message that follows the prompt."""
    if isinstance(side, str):
        return side
    if len(side) != 1 or side[0]["role"] != "assistant":
        raise BadInputError(
            f"{where}: {column!r} holds {len(side)} messages after the prompt",
            "a pair compares one answer with one other",
            "Keep one message of the role 'assistant' in each, and put what was before into prompt",
        )
    return str(side[0]["content"])


def _read_row(value: Any, where: str) -> Row | None:
    if value is None or isinstance(value, dict):
        return value
    raise BadInputError(
        f"{where}: 'row' is a {type(value).__name__}", "", "Write it as an object of columns"
    )


def _read_margin(value: Any, where: str) -> float | None:
    if is_missing(value):
        return None
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise BadInputError(
            f"{where}: the margin {quote(value)} is no number", "", "Write a number or leave it out"
        ) from error
