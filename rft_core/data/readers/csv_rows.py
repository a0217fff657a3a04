"""CSV text -> rows, every complaint with its row and line.

The delimiter is the one of , ; tab | that the header uses most. Cells are text until the whole
file is read; then each column is typed by one rule (`_type_column`).
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator
from typing import Any

from rft_core.data.readers.json_rows import iterate_lines
from rft_core.data.table import (
    MAX_CELL_CHARS,
    MAX_CELLS,
    MAX_ROWS,
    check_columns,
    excerpt,
    too_many_cells,
)
from rft_core.errors import BadInputError

_DELIMITERS = ",;\t|"
_BETWEEN_OBJECTS = re.compile(r"\}\s*\n\s*\{")
_CSV_COMPLAINTS = {
    "unexpected end of data": "a double quote is opened and never closed",
    "expected after": 'text follows a closing double quote; write quotes inside a cell as ""',
    "field larger": f"a cell is longer than {MAX_CELL_CHARS:,} characters, "
    "which a double quote that is never closed can cause",
}


def read_csv_rows(text: str, name: str) -> tuple[list[str], list[tuple[str, dict[str, Any]]]]:
    """(columns, [(place, row)]), the place being "Row 3 (line 4)". The header is not a row."""
    records = _iterate_records(text)
    _, _, header = next(records, ("", 0, []))
    columns = _read_header(header, name)
    spaced = [at for at, cell in enumerate(header) if at and cell.startswith(" ")]
    places, cells = [], []
    for where, _, record in records:
        if len(record) != len(columns):
            raise _ragged_row(where, len(record), len(columns))
        for at in spaced:  # the header is written "a, b": so are the cells
            record[at] = record[at].removeprefix(" ")
        places.append(where)
        cells.append(record)
        if len(cells) * len(columns) > MAX_CELLS:
            raise too_many_cells(name)
        if len(cells) > MAX_ROWS:
            break  # `build_table` refuses the file; no need to read the other millions
    typed = [_type_column([record[i] for record in cells]) for i in range(len(columns))]
    return columns, [
        (where, dict(zip(columns, row, strict=True)))
        for where, row in zip(places, zip(*typed, strict=True), strict=True)
    ]


def _iterate_records(text: str) -> Iterator[tuple[str, int, list[str]]]:
    """(place, line, cells) of each record; the header is "Header", blank lines are skipped."""
    csv.field_size_limit(MAX_CELL_CHARS)  # process-wide in the csv module, and its default is low
    delimiter = _detect_delimiter(text)
    lines = _check_widths(iterate_lines(_drop_spaces_before_quotes(text, delimiter)), delimiter)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    row = 0
    while True:
        line = reader.line_num + 1
        where = f"Row {row} (line {line})" if row else f"Header (line {line})"
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInputError(
                f"{where} is broken", _explain_csv_error(str(error)), "Correct that line"
            ) from error
        if record:
            yield where, line, record
            row += 1


def _detect_delimiter(text: str) -> str:
    start = len(text) - len(text.lstrip("\n"))
    end = text.find("\n", start)
    header = re.sub(r'"[^"]*"', "", text[start : end if end >= 0 else len(text)])
    return max(_DELIMITERS, key=header.count)


def _drop_spaces_before_quotes(text: str, delimiter: str) -> str:
    """`a, "b, c"` is written by people; for the csv module a quote must open the cell.

    All other spaces stay: the first ones of a line of code mean something. Quoted cells are passed
    over whole, since they may hold such a text themselves.
    """
    mark = re.escape(delimiter)
    if not re.search(rf'(?:^|{mark}) +"', text, re.MULTILINE):
        return text
    pattern = re.compile(rf'("[^"]*")|(?:^|(?<={mark})) +(?=")', re.MULTILINE)
    return pattern.sub(lambda found: found.group(1) or "", text)


def _check_widths(lines: Iterator[str], delimiter: str) -> Iterator[str]:
    """Refuse a flood of delimiters before it becomes a flood of cells."""
    for number, line in enumerate(lines, start=1):
        if line.count(delimiter) > MAX_CELL_CHARS:
            raise BadInputError(
                f"Line {number} has more than {MAX_CELL_CHARS:,} cells",
                f"the delimiter {delimiter!r} is repeated without end",
                "Correct that line",
            )
        yield line


def _explain_csv_error(message: str) -> str:
    return next((why for part, why in _CSV_COMPLAINTS.items() if part in message), message)


def _read_header(header: list[str], name: str) -> list[str]:
    """Column names; an unnamed column (pandas' index) is called `column_1`, by its position."""
    check_columns("Header", header)
    columns = [cell.strip() or f"column_{i}" for i, cell in enumerate(header, start=1)]
    for position, column in enumerate(columns):
        if (first := columns.index(column)) != position:
            raise BadInputError(
                f"'{name}': two columns are called {excerpt(column)}",
                f"columns {first + 1} and {position + 1} of the header",
                "Rename one of them",
            )
    if columns and all(_parse_exact(cell) is not None for cell in header):
        raise BadInputError(
            f"'{name}' has no header",
            f"its first line, {excerpt(', '.join(header))}, looks like data",
            "Put the column names into the first line",
        )
    return columns


def _ragged_row(where: str, found: int, expected: int) -> BadInputError:
    return BadInputError(
        f"{where} has {found} cell{'s' * (found != 1)}, the header has {expected}",
        "a cell that contains the delimiter must be in double quotes"
        if found > expected
        else "cells are missing at its end",
        "Correct that line",
    )


def _type_column(cells: list[str]) -> list[Any]:
    """Numbers, booleans, JSON lists and objects where *all* non-empty cells are such.

    A cell is taken for a number only if it is written exactly as JSON would write it, so that
    nothing is lost: a column with `007`, `1.50` or `1,234` stays text. Otherwise `""` stays `""`;
    in a typed column it becomes None.
    """
    typed: list[Any] = []
    kinds: set[type] = set()
    for cell in cells:
        value = _parse_exact(cell)
        if value is None and cell:
            return cells
        typed.append(value)
        if value is not None:
            kinds.add(type(value))
    return typed if len(kinds) == 1 or kinds == {int, float} else cells


def _parse_exact(cell: str) -> Any:
    """The JSON number, boolean, list or object that `cell` spells, or None."""
    if not cell.lstrip()[:1] or cell.lstrip()[0] not in "-0123456789tf[{":
        return None
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return _parse_literal(cell)
    if isinstance(value, list | dict):
        return value
    return value if json.dumps(value) == cell.strip() else None


def _parse_literal(cell: str) -> Any:
    """The list or object that `cell` spells in Python, as pandas and NumPy write one; else None.

    NumPy puts a line break, and no comma, between the objects of a list.
    """
    if cell.lstrip()[0] not in "[{":
        return None
    try:
        value = ast.literal_eval(_BETWEEN_OBJECTS.sub("}, {", cell.strip()))
        json.dumps(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, list | dict) else None
