"""One JSON document that is an object -> rows: wrapped ones, columns, or the object as a row.

`{"data": [{...}, ...]}` and the like are taken out of their wrapping, `{"question": [...],
"answer": [...]}` are columns, as pandas and `datasets` write them. What could be read in two ways
is refused with both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rft_core.data.chats import find_turns
from rft_core.data.readers.json_rows import decode_whole, expect_object
from rft_core.data.table import MAX_ROWS, excerpt
from rft_core.errors import BadInputError

Located = tuple[str, dict[str, Any]]

WRAPPERS = (
    *("data", "rows", "examples", "instances", "items", "records", "samples", "results"),
    *("questions", "problems", "prompts", "dataset"),
)
SPLITS = ("train", "training", "validation", "valid", "dev", "test", "eval")
_ROW_FRAME = {"row", "row_idx", "truncated_cells"}  # of the hub's API for rows
_SHAPE = 'Write an array of objects, or one object per line: {"question": "...", "answer": 7}'


def read_document(text: str, name: str, *, is_lines: bool) -> list[Located] | None:
    """The rows of a text that is one JSON object, with their places; None for any other text.

    `is_lines`: the file says that each line is a row, so that lists in it are no columns.
    """
    whole = decode_whole(text)
    if not isinstance(whole, dict):
        return None
    found = _unwrap(whole, name)
    if found is None and not is_lines:
        found = _read_columns(whole, name)
    if found is None and "\n" not in text.strip():
        return None  # a file of one line, which is a row
    rows = [whole] if found is None else found
    return [(f"Row {number}", row) for number, row in enumerate(rows, start=1)]


def unframe(located: Iterator[Located]) -> Iterator[Located]:
    """Rows as the hub's API sends them, `{"row_idx": 0, "row": {...}}`, out of their frames."""
    for where, row in located:
        is_framed = isinstance(row.get("row"), dict) and row.keys() <= _ROW_FRAME
        yield where, row["row"] if is_framed else row


def _unwrap(whole: Mapping[str, Any], name: str) -> list[dict[str, Any]] | None:
    """The list of rows that the object is there to hold; None where it is a row, or columns."""
    if {"columns", "data"} <= whole.keys() <= {"columns", "index", "data"}:
        return _read_split(whole["columns"], whole["data"], name)
    wrapped = [key for key, value in whole.items() if _holds_rows(value)]
    splits = [key for key in wrapped if key.casefold() in SPLITS]
    if len(splits) > 1:
        raise BadInputError(
            f"'{name}' holds several tables: {', '.join(splits)}",
            "a prompt set is made of one, and splits it itself",
            "Save the one you want to train on in a file of its own",
        )
    usual = [key for key in wrapped if len(whole) == 1 or key.casefold() in (*WRAPPERS, *SPLITS)]
    if len(usual) > 1:
        listed = ", ".join(usual)
        raise BadInputError(f"'{name}' holds several lists of rows: {listed}", "", _SHAPE)
    if usual:
        rows = enumerate(whole[usual[0]], start=1)
        return [expect_object(f"Row {number}", row) for number, row in rows]
    [*values] = whole.values()
    if len(values) == 1 and isinstance(values[0], dict):
        return _unwrap(values[0], name) or _read_columns(values[0], name)
    return None


def _holds_rows(value: Any) -> bool:
    """A list of objects that are no turns of a chat."""
    has_objects = isinstance(value, list) and any(isinstance(item, dict) for item in value)
    return has_objects and find_turns(value) is None


def _read_columns(whole: Mapping[str, Any], name: str) -> list[dict[str, Any]] | None:
    columns = {key: _list_column(value) for key, value in whole.items()}
    if not columns or any(column is None for column in columns.values()):
        return None
    lists = {key: column for key, column in columns.items() if column is not None}
    if any(find_turns(column) for column in lists.values()):
        return None  # a row with a chat
    lengths = {key: len(column) for key, column in lists.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{excerpt(key)} has {length:,}" for key, length in lengths.items())
        raise BadInputError(
            f"'{name}' holds columns of different lengths", listed[:300],
            f"Make them equally long. {_SHAPE}",
        )  # fmt: skip
    count = min(*lengths.values(), MAX_ROWS + 1)
    return [{key: column[at] for key, column in lists.items()} for at in range(count)]


def _list_column(value: Any) -> list[Any] | None:
    """A column as a list, or as pandas writes it: `{"0": ..., "1": ...}`."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        return list(value.values())
    return None


def _read_split(columns: Any, data: Any, name: str) -> list[dict[str, Any]]:
    """pandas' `orient="split"`: names, and a list of cells for each row."""
    fits = isinstance(columns, list) and isinstance(data, list)
    if not fits or not all(isinstance(row, list) and len(row) == len(columns) for row in data):
        raise BadInputError(f"'{name}' names columns, and its data do not fit them", "", _SHAPE)
    return [dict(zip(map(str, columns), row, strict=True)) for row in data]
