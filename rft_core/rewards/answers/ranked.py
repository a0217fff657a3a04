"""Lists as answers: where the right one stands in a ranking, and whether a set is complete.

`ranked` reads the answer as a list, best first, and pays by the place of the right item among the
first `top`; what comes later does not exist, so that listing everything pays nothing more. An item
named twice still takes two places. `multi_answer` compares the list with all right items by F1, so
that guesses cost precision. Lists are JSON, or lines (numbered or with bullets), or commas on one
line. Sources: OpenAI's RFT guide (ranked genes); mean reciprocal rank (TREC-8, 1999).
"""

from __future__ import annotations

import json
import re
from typing import Any

from rft_core.rewards.completion_text import EXTRACTIONS
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import COLUMN, EXTRACTION, GraderInfo, GraderOption
from rft_core.types import Row

MOST_ITEMS = 1_000
_MARK = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•])\s+")

_ANSWER = GraderOption(
    "extraction", "text", "answer_tag", "Where the list stands.", EXTRACTION.choices
)


def grade_ranked(
    completion: str,
    row: Row,
    *,
    column: str = "answer",
    extraction: str = "answer_tag",
    top: int = 5,
    credit: str = "reciprocal",
) -> Grade:
    """1 for first place; 1/rank, or in equal steps, or 1 for any place, down to the place `top`."""
    golds = _golds(row.get(column))
    if not golds:
        return Grade(None, f"The row has no right answer in '{column}'.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return Grade(0.0, answer.problem, answer.flags)
    items = read_list(answer.text)[:top]
    rank = next((place for place, item in enumerate(items, start=1) if item in golds), None)
    if rank is None:
        return Grade(0.0, f"The right answer is not among the first {top}.")
    scores = {"reciprocal": 1 / rank, "linear": 1 - (rank - 1) / top, "any": 1.0}
    return Grade(scores[credit], f"The right answer is in place {rank}.")


def grade_multi_answer(
    completion: str,
    row: Row,
    *,
    column: str = "answer",
    extraction: str = "answer_tag",
    partial: bool = False,
) -> Grade:
    """1 if the answer lists all right items and no other; with `partial` the F1 of the two sets."""
    golds = _golds(row.get(column))
    if not golds:
        return Grade(None, f"The row has no right answers in '{column}'.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return Grade(0.0, answer.problem, answer.flags)
    items = read_list(answer.text)
    found = golds & set(items)
    f1 = 2 * len(found) / (len(golds) + len(items))  # a repeated item counts against precision
    reason = f"{len(found)} of {len(golds)} right answers, among {len(items)} given."
    return Grade(f1 if partial else float(f1 == 1), reason)


def read_list(text: str) -> list[str]:
    """The items of a list, tidied for comparing; empty ones are left out."""
    text = text.strip()
    if text.startswith("["):
        parts = _read_brackets(text)
    elif "\n" in text:
        parts = [_MARK.sub("", line) for line in text.split("\n")]
    else:
        parts = _MARK.sub("", text).split("," if "," in text else ";")
    return [item for item in map(_tidy, parts[:MOST_ITEMS]) if item]


def _read_brackets(text: str) -> list[str]:
    """JSON, or what Python prints for a list of texts."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        is_closed = text.endswith("]") and text.count("[") == text.count("]") == 1
        return text[1:-1].split(",") if is_closed else []
    return [str(item) for item in value] if all(map(_is_item, value)) else []


def _is_item(value: object) -> bool:
    return isinstance(value, str | int | float)


def _tidy(item: str) -> str:
    return " ".join(item.strip(" \t\r\n\"'`.;").casefold().split())


def _golds(value: Any) -> set[str]:
    """One text is one answer, commas and all; a list holds several (or a JSON text of one)."""
    if isinstance(value, str) and value.strip().startswith("["):
        return set(read_list(value))
    values = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return {tidied for item in values if (tidied := _tidy(str(item)))}


RANKED = GraderInfo(
    "ranked",
    grade_ranked,
    "Pays by the place of the right answer in the list that is given.",
    (
        COLUMN,
        _ANSWER,
        GraderOption("top", "int", 5, "Places that count.", minimum=1),
        GraderOption(
            "credit", "text", "reciprocal", "What a place pays.", ("reciprocal", "linear", "any")
        ),
    ),
)
MULTI_ANSWER = GraderInfo(
    "multi_answer",
    grade_multi_answer,
    "1 if the answer lists all right items and no other.",
    (COLUMN, _ANSWER, GraderOption("partial", "bool", False, "Credit by F1 of the two lists.")),
)
