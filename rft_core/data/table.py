"""The table that every source of prompts is read into, and the limits that hold for all of them.

Whatever the source (CSV, JSON lines, Parquet, the hub), its rows pass through `build_table`, which
turns every cell into a plain JSON value or refuses the whole file with the row's number. Parsing
the sources is the business of `reading` and `hub`; giving columns a meaning is that of `mapping`.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rft_core.errors import BadInputError
from rft_core.types import Row

"""One prompt's data: column or field name -> JSON value (None where the cell is missing)."""

MAX_ROWS = 200_000
MAX_COLUMNS = 256
MAX_NAME_CHARS = 1_000  # of a column
MAX_CELL_CHARS = 1_000_000
MAX_CELLS = 4_000_000  # rows x columns: an empty cell takes memory too
MAX_TOTAL_CHARS = 64_000_000
MAX_DEPTH = 20


@dataclass(frozen=True)
class Table:
    """Rows as they were in the source: every row has every column, in the same order."""

    name: str
    format: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def build_table(
    name: str,
    format_: str,
    located_rows: Iterable[tuple[str, Mapping[str, Any]]],
    columns: Iterable[str] = (),
) -> Table:
    """Check and collect rows; `located_rows` pairs each with its place, such as "Row 3 (line 4)".

    Columns are the union of the rows' keys in the order they first appear, after `columns`; a key
    that a row lacks becomes None there.
    """
    seen: dict[str, None] = dict.fromkeys(columns)
    rows: list[Row] = []
    total_chars = 0
    for where, raw_row in located_rows:
        if len(rows) == MAX_ROWS:
            raise _too_large(name, f"it has more than {MAX_ROWS:,} rows")
        row = {column: _read_cell(where, column, cell) for column, cell in raw_row.items()}
        total_chars += sum(_text_size(cell) for cell in row.values())
        if total_chars > MAX_TOTAL_CHARS:
            raise _too_large(name, f"its text is longer than {MAX_TOTAL_CHARS:,} characters")
        seen.update(dict.fromkeys(row))
        check_columns(where, seen)
        rows.append(row)
        if len(rows) * len(seen) > MAX_CELLS:
            raise too_many_cells(name)
    if not rows:
        raise BadInputError(
            f"'{name}' has no rows",
            "it holds " + ("only a header" if seen else "nothing to read"),
            "Add at least one row of data; ten prompts are enough to begin with",
        )
    return Table(name, format_, tuple(seen), tuple({c: row.get(c) for c in seen} for row in rows))


def clean_file_name(name: str) -> str:
    """The last part of a path, harmless as a label or file name: `../../etc/x.csv` -> `x.csv`."""
    last_part = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = re.sub(r"[^\w .()+-]", "_", last_part).strip(" .")
    stem, dot, extension = kept.rpartition(".")
    return f"{stem[:80]}{dot}{extension[:20]}" or "prompts"


def excerpt(text: str, length: int = 40) -> str:
    """A one-line quotation of `text` for an error message."""
    return repr(text if len(text) <= length else text[: length - 1] + "…")


def is_missing(value: object) -> bool:
    """No value, blank text or an empty list: what a person would call an empty cell."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def to_plain_value(value: Any, depth: int = 0) -> Any:
    """`value` as JSON would hold it, or a ValueError that says why it cannot be held.

    NaN is how pandas writes a missing cell, so it becomes None. Dates become ISO text.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, list | tuple):
        return [to_plain_value(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {
            _plain_text(str(key)): to_plain_value(item, depth + 1) for key, item in value.items()
        }
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime.date | datetime.time):
        value = value.isoformat()
    if isinstance(value, str):
        return _plain_text(value)
    if isinstance(value, float):
        return _plain_float(value)
    if value is None or isinstance(value, bool | int):
        return value
    raise ValueError(f"a value of type {type(value).__name__} is neither text, number nor list")


def _plain_text(text: str) -> str:
    if "\0" in text:
        raise ValueError("it contains a NUL character")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("it contains half of a surrogate pair (\\ud800-\\udfff)") from None
    return text


def _plain_float(number: float) -> float | None:
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise ValueError("it is an infinite number")
    return number


def _read_cell(where: str, column: str, cell: Any) -> Any:
    if isinstance(cell, str) and len(cell) > MAX_CELL_CHARS:  # the common case, before any copying
        raise _cell_too_long(where, column, len(cell))
    try:
        value = to_plain_value(cell)
    except (ValueError, ArithmeticError) as error:
        raise BadInputError(
            f"{where}: column {excerpt(column)} cannot be read", str(error), "Correct that cell"
        ) from error
    if (size := _text_size(value)) > MAX_CELL_CHARS:
        raise _cell_too_long(where, column, size)
    return value


def _text_size(value: Any) -> int:
    """Characters that a JSON value holds; numbers and brackets count as what they weigh."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return 16 + sum(max(_text_size(item), 8) for item in value)
    if isinstance(value, dict):
        return 16 + sum(len(key) + max(_text_size(item), 8) for key, item in value.items())
    return 1


def check_columns(where: str, columns: Collection[str]) -> None:
    """Raise where a row or a header has more or longer columns than a prompt can need."""
    if len(columns) > MAX_COLUMNS:
        raise BadInputError(
            f"{where}: more than {MAX_COLUMNS} columns",
            "a prompt needs a few named columns",
            "Remove the columns that are not needed; nest data that belongs together",
        )
    if longest := next((name for name in columns if len(name) > MAX_NAME_CHARS), None):
        raise BadInputError(
            f"{where}: a column's name has {len(longest):,} characters",
            f"it begins with {excerpt(longest)}",
            f"Name it with at most {MAX_NAME_CHARS:,} characters",
        )


def _cell_too_long(where: str, column: str, size: int) -> BadInputError:
    return BadInputError(
        f"{where}: column {excerpt(column)} has a cell of {size:,} characters",
        f"the limit is {MAX_CELL_CHARS:,}, far beyond any model's context",
        "Shorten or remove that row",
    )


def too_many_cells(name: str) -> BadInputError:
    return _too_large(name, f"it has more than {MAX_CELLS:,} cells")


def _too_large(name: str, why: str) -> BadInputError:
    return BadInputError(
        f"'{name}' is too large",
        why,
        f"Keep or sample at most {MAX_ROWS:,} rows; reinforcement fine-tuning works from ten",
    )
