"""JSON compared with the row's gold JSON, field by field: right values, nothing missing or made up.

Fields are the leaves with their paths. Partial credit is F1 over fields, so that inventing fields
costs as much as leaving some out. Text is compared without case and white space around it, numbers
by value; `true` is not 1. The order of keys is free, the order in lists is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rft_core.rewards.completion_text import (
    EXTRACTIONS,
    normalize,
    parse_strict_json,
    without_fence,
)
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import COLUMN, TEXT_EXTRACTION, GraderInfo, GraderOption
from rft_core.types import Row

LONGEST_TEXT = 100_000
DEEPEST = 100  # every field costs as much as its path is long

Leaf = tuple[tuple[str | int, ...], Any]


def grade_json_match(
    completion: str,
    row: Row,
    *,
    column: str = "answer",
    extraction: str = "answer_tag",
    partial: bool = False,
) -> Grade:
    """1 if every field has the gold value and there is no other; with `partial` the F1."""
    gold = row.get(column)
    try:
        value = json.loads(gold) if isinstance(gold, str) else gold
        wanted = set(_leaves(value)) if value else set()
    except (ValueError, RecursionError):
        wanted = set()
    if not wanted:
        return Grade(None, f"The row has no JSON in '{column}'.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return Grade(0.0, answer.problem, answer.flags)
    try:
        given = set(_leaves(_read(answer.text)))
    except (ValueError, RecursionError) as error:
        return Grade(0.0, f"It is not JSON: {str(error)[:200] or type(error).__name__}.")
    right = len(wanted & given)
    f1 = 2 * right / (len(wanted) + len(given))
    reason = f"{right} of {len(wanted)} fields are right, {len(given)} are given."
    return Grade(f1 if partial else float(f1 == 1), reason)


def _read(text: str) -> Any:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"it has {len(text):,} characters")
    return parse_strict_json(without_fence(text))


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Leaf]:
    """Every value that holds no others, with its path; empty lists and objects are values."""
    if len(path) > DEEPEST:
        raise ValueError(f"more than {DEEPEST} lists and objects are nested")
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list) and value:
        for place, inner in enumerate(value):
            yield from _leaves(inner, (*path, place))
    else:
        yield path, _comparable(value)


def _comparable(value: Any) -> Any:
    """With its type, since True == 1 in Python and not in JSON."""
    if isinstance(value, str):
        return "text", normalize("NFC", " ".join(value.split()).casefold())
    if isinstance(value, bool) or value is None:
        return "word", value
    return ("number", value) if isinstance(value, int | float) else ("empty", str(value))


JSON_MATCH = GraderInfo(
    "json_match",
    grade_json_match,
    "1 if the JSON has the gold JSON's fields with their values, and no others.",
    (
        COLUMN,
        TEXT_EXTRACTION,
        GraderOption("partial", "bool", False, "Credit by F1 over the fields."),
    ),
)
