"""Values inside of cells, named by paths such as `reward_model.ground_truth`, as columns are.

A column whose own name is written like a path is meant before any value of that path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rft_core.data.table import Table
from rft_core.types import Row

MAX_DEPTH = 3  # of a path: `a.b.c`
MOST_NESTED = 100
_SAMPLE = 50


def list_columns(table: Table) -> tuple[str, ...]:
    """The columns, and after them what objects in the first rows hold, by paths."""
    nested: dict[str, None] = {}
    for row in table.rows[:_SAMPLE]:
        for column in table.columns:
            nested.update(dict.fromkeys(_list_paths(column, row.get(column), 1)))
    found = [path for path in nested if path not in table.columns]
    return (*table.columns, *found[:MOST_NESTED])


def get_cell(row: Row, path: str) -> Any:
    """The cell of a column or path; None where the row has none."""
    if path in row:
        return row[path]
    cell: Any = row
    for key in _split(row, path):
        cell = cell.get(key) if isinstance(cell, Mapping) else None
    return cell


def _split(row: Row, path: str) -> list[str]:
    """A column may have dots in its name: the longest one that the path begins with is meant."""
    dotted = (name for name in row if path.startswith(f"{name}."))
    column = max(dotted, key=len, default="")
    return [column, *path[len(column) + 1 :].split(".")] if column else [path]


def _list_paths(path: str, cell: Any, depth: int) -> Iterator[str]:
    if not isinstance(cell, Mapping) or depth >= MAX_DEPTH:
        return
    for key, value in cell.items():
        if key and "." not in key:
            yield f"{path}.{key}"
            yield from _list_paths(f"{path}.{key}", value, depth + 1)
