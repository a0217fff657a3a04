"""CSV that people open in a spreadsheet.

A spreadsheet runs a cell that begins with = + - or @ as a formula, whoever wrote it: such text gets
a ' in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

FORMULA_STARTS = ("=", "+", "-", "@")


def csv_row(values: Sequence[object]) -> str:
    """One line with its end."""
    line = io.StringIO()
    csv.writer(line).writerow(map(_no_formula, values))
    return line.getvalue()


def _no_formula(value: object) -> object:
    begins_like_one = isinstance(value, str) and value.lstrip().startswith(FORMULA_STARTS)
    return f"'{value}" if begins_like_one else value
