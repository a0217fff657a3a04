"""Rows of prompts as a table: cells keep their types where a column has one, else become text."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.components.untrusted_text import spell_unseen

MOST_ROWS_SHOWN = 500
ROWS_IN_SIGHT = 7


def show_rows(
    rows: Sequence[Mapping[str, Any]], *, alt: str, extra: Mapping[str, Sequence[Any]] | None = None
) -> None:
    """The first rows, numbered from 1 as in every message; `extra` columns come first."""
    shown = rows[:MOST_ROWS_SHOWN]
    frame = pd.DataFrame({name: values[: len(shown)] for name, values in (extra or {}).items()})
    for column in dict.fromkeys(name for row in shown for name in row):
        label = column if column not in frame else f"{column} (column)"
        frame[label] = _cells(row.get(column) for row in shown)
    frame.index = pd.RangeIndex(1, len(shown) + 1, name="row")
    st.dataframe(frame, height="auto" if len(shown) <= ROWS_IN_SIGHT else 290, alt=alt)
    if len(rows) > len(shown):
        st.caption(f"The first {len(shown):,} of {len(rows):,} rows.")


def _cells(values: Iterable[Any]) -> list[Any]:
    """Lists and objects as JSON text; a column of several types as text, which Arrow needs."""
    cells = [_cell(value) for value in values]
    kinds = {type(cell) for cell in cells if cell is not None}
    one_type = len(kinds) <= 1 or kinds == {int, float}
    huge = any(isinstance(cell, int) and abs(cell) >= 2**63 for cell in cells)
    if one_type and not huge:
        return cells
    return [None if cell is None else str(cell) for cell in cells]


def _cell(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
    return spell_unseen(text) if isinstance(text, str) else text
