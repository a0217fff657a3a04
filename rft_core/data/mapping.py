"""Which column is which field of a row, and the cells as the types that fields need.

A task declares its fields (`RowField`); the user's file has columns. `suggest_mapping` guesses by
name and then by type, `apply_mapping` converts every cell or names the row that cannot be.
A column may be a path to a value inside of one (`reward_model.ground_truth`). A text field takes of
a chat what is asked last; the chat itself stays in the row, for the template.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from rft_core.data.chats import CHAT, find_turns, read_chat, split_reference
from rft_core.data.nested import get_cell, list_columns
from rft_core.data.table import Table, excerpt, is_missing
from rft_core.errors import BadInputError
from rft_core.types import Row

FieldKind = Literal["text", "integer", "number", "integers", "list", "object", "any"]


@dataclass(frozen=True)
class RowField:
    """One value that a task needs in every row. `aliases` are further usual column names.

    `may_be_empty`: an empty list is a value, too.
    """

    name: str
    kind: FieldKind = "any"
    required: bool = True
    aliases: tuple[str, ...] = ()
    may_be_empty: bool = False


@dataclass(frozen=True)
class ColumnMapping:
    """Field name -> column name or path. Other columns keep their names, or are dropped."""

    columns: Mapping[str, str]
    keep_unmapped: bool = True


COMMON_ALIASES: dict[str, tuple[str, ...]] = {
    "nums": ("numbers", "num", "digits"),
    "target": ("goal", "total"),
    "question": ("problem", "prompt", "query", "instruction", "input", "body", CHAT),
    "problem": ("question", "prompt", "query", "instruction", CHAT),
    "answer": (
        *("ground_truth", "reference_answer", "solution", "label", "gold", "final_answer"),
        *(
            "expected",
            "expected_answer",
            "reference",
            "target",
            "output",
            "answer_value",
            "completion",
        ),
    ),
    "solution": ("answer", "ground_truth", "reference_answer", "reference", "output", "completion"),
    "prompt": ("question", "problem", "instruction", "task", CHAT, "text"),
    "text": (CHAT,),
    "completion": ("response", "output", "answer", "solution"),
}
_GOLD_FIELDS = ("answer", "solution")
_VERIFIED = ("ground_truth",)  # what a file of rewards compares with, before any worked solution
_SAMPLE = 50


def suggest_mapping(table: Table, fields: Sequence[RowField]) -> dict[str, str]:
    """A guess for each field: a column of its name (or an alias) and type, then a nested value of
    such a name, else the only column left of its type. Fields without a plausible column are left
    out; no column is used twice.
    """
    chosen: dict[str, str] = {}
    columns = {column: column for column in table.columns}
    nested = list_columns(table)[len(columns) :]
    leaves = {path: path.rpartition(".")[2] for path in nested}
    for field in fields:
        if column := _find_named(table, columns, _list_names(field), field, chosen):
            chosen[field.name] = column
    for field in fields:
        if field.name in chosen or not field.required:
            continue
        names = (*(_VERIFIED if field.name in _GOLD_FIELDS else ()), *_list_names(field))
        if column := _find_named(table, leaves, names, field, chosen):
            chosen[field.name] = column
    for field in fields:
        left = [c for c in table.columns if c not in chosen.values()]
        fitting = [column for column in left if _fits(table, column, field)]
        if field.name not in chosen and field.required and len(fitting) == 1:
            chosen[field.name] = fitting[0]
    return chosen


def _list_names(field: RowField) -> tuple[str, ...]:
    return (field.name, *field.aliases, *COMMON_ALIASES.get(field.name, ()))


def _find_named(
    table: Table, labels: dict[str, str], names: Sequence[str], field: RowField,
    chosen: Mapping[str, str],
) -> str | None:  # fmt: skip
    """The first of `names` that labels a free column that fits. `labels`: column -> label."""
    by_name = {_simplify(label): column for column, label in reversed(labels.items())}
    candidates = (by_name.get(_simplify(name)) for name in names)
    return next(
        (c for c in candidates if c and c not in chosen.values() and _fits(table, c, field)), None
    )


def apply_mapping(
    table: Table, mapping: ColumnMapping, fields: Iterable[RowField] = ()
) -> tuple[Row, ...]:
    """Rows with fields for keys. A mapped field not among `fields` keeps its cells as they are.

    Where an unmapped column has a field's name, the field wins. Raises BadInputError.
    """
    declared = {field.name: field for field in fields}
    _check_mapping(table, mapping, declared)
    mapped = {
        name: (declared.get(name, RowField(name, "any", required=False)), column)
        for name, column in mapping.columns.items()
    }
    used = set(mapping.columns.values())
    kept = [c for c in table.columns if c not in used and c not in mapped]
    rows = []
    for number, cells in enumerate(table.rows, start=1):
        row = {
            name: _convert(number, column, get_cell(cells, column), field)
            for name, (field, column) in mapped.items()
        }
        if mapping.keep_unmapped:
            row.update({column: cells[column] for column in kept})
        if CHAT in used and find_turns(cells[CHAT]):
            row[CHAT] = cells[CHAT]
        rows.append(row)
    return tuple(rows)


def _check_mapping(table: Table, mapping: ColumnMapping, declared: Mapping[str, RowField]) -> None:
    columns = list_columns(table)
    available = f"the columns are {', '.join(columns):.500}"
    for name, column in mapping.columns.items():
        if column not in columns:
            raise BadInputError(
                f"Field '{name}' is mapped to {excerpt(column)}, which does not exist",
                available,
                "Choose one of them",
            )
    for field in declared.values():
        if field.required and field.name not in mapping.columns:
            raise BadInputError(
                f"No column is chosen for the field '{field.name}'", available, "Choose one"
            )


def _convert(number: int, column: str, cell: Any, field: RowField) -> Any:
    if is_missing(cell):
        if not field.required or (field.may_be_empty and cell == []):
            return cell
        raise BadInputError(
            f"Row {number}: column {excerpt(column)} is empty",
            f"the field '{field.name}' is needed in every row",
            "Fill the cell or remove the row",
        )
    try:
        return _CONVERTERS[field.kind](cell)
    except ValueError as error:
        raise BadInputError(
            f"Row {number}: column {excerpt(column)} holds {excerpt(str(cell))}",
            f"the field '{field.name}' needs {error}",
            "Correct the cell or choose another column",
        ) from error


def _fits(table: Table, column: str, field: RowField) -> bool:
    cells = [get_cell(row, column) for row in table.rows]
    sample = list(islice((cell for cell in cells if not is_missing(cell)), _SAMPLE))
    try:
        for cell in sample:
            _CONVERTERS[field.kind](cell)
    except ValueError:
        return False
    is_empty = not sample and all(cell == [] for cell in cells)
    return bool(sample) or (is_empty and field.may_be_empty)


def _simplify(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _to_text(cell: Any) -> str:
    if turns := find_turns(cell) if isinstance(cell, list) else None:
        asked = split_reference(read_chat(turns))[0]
        if not asked or asked[-1]["role"] != "user":
            raise ValueError("a text, or a chat in which a user's turn is to be answered")
        return asked[-1]["content"]
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # 72.0 is what a column of integers with gaps turns into
    return str(cell)


def _to_number(cell: Any) -> int | float:
    if isinstance(cell, str):
        cell = _parse_json(cell.strip().replace(",", ""))
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not math.isfinite(cell):
        raise ValueError("a number")
    return cell


def _to_integer(cell: Any) -> int:
    try:
        number = _to_number(cell)
    except ValueError:
        raise ValueError("a whole number") from None
    if number != int(number):
        raise ValueError("a whole number")
    return int(number)


def _to_integers(cell: Any) -> list[int]:
    if isinstance(cell, str):  # "[15, 74, 9]", "15 74 9", and NumPy's "[15 74  9]"
        cell = re.split(r"[\s,;]+", cell.strip(" \t\n[]()"))
    if not isinstance(cell, list):
        raise ValueError("a list of whole numbers such as [15, 74, 9]")
    try:
        return [_to_integer(item) for item in cell]
    except ValueError:
        raise ValueError("a list of whole numbers such as [15, 74, 9]") from None


def _to_list(cell: Any) -> list[Any]:
    value = _parse_json(cell) if isinstance(cell, str) else cell
    if not isinstance(value, list):
        raise ValueError('a list such as ["a", "b"]')
    return value


def _to_object(cell: Any) -> dict[str, Any]:
    value = _parse_json(cell) if isinstance(cell, str) else cell
    if not isinstance(value, dict):
        raise ValueError('an object such as {"kind": "length"}')
    return value


def _parse_json(text: str) -> Any:
    """The JSON value, or None for text that is none; Infinity and NaN are none."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


_CONVERTERS: dict[FieldKind, Callable[[Any], Any]] = {
    "text": _to_text,
    "integer": _to_integer,
    "number": _to_number,
    "integers": _to_integers,
    "list": _to_list,
    "object": _to_object,
    "any": lambda cell: cell,
}
