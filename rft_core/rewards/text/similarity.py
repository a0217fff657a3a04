"""Similarity: how alike the answer and the gold text are, letter by letter or word by word.

The measures are rapidfuzz's, from 0 to 1. `partial` and `token_set` look for the gold text inside
the answer, which alone would pay an answer that says everything: beyond twice the gold's length
their score falls in proportion. `partial` takes gold texts of up to 1,000 characters. Likeness is
not truth: "not guilty" is close to "guilty".
Source: https://rapidfuzz.github.io/RapidFuzz/ (Levenshtein, Indel, Jaro-Winkler).
"""

from __future__ import annotations

from collections.abc import Callable

from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler, Levenshtein

from rft_core.rewards.completion_text import EXTRACTIONS
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import (
    COLUMN,
    IGNORE_CASE,
    THRESHOLD,
    WHOLE_EXTRACTION,
    GraderInfo,
    GraderOption,
)
from rft_core.types import Row

LONGEST_COMPARED = 20_000  # characters; the measures take quadratic time
LONGEST_SOUGHT = 1_000  # of a gold text for `partial`, whose time grows with its square
SEARCHING = ("partial", "token_set")  # what finds the gold text inside a longer answer
LONGEST_FREE = 2.0  # times the gold's length that a searching measure pays in full

MEASURES: dict[str, Callable[[str, str], float]] = {
    "ratio": lambda one, other: fuzz.ratio(one, other) / 100,
    "token_sort": lambda one, other: fuzz.token_sort_ratio(one, other) / 100,
    "token_set": lambda one, other: fuzz.token_set_ratio(one, other) / 100,
    "partial": lambda one, other: fuzz.partial_ratio(one, other) / 100,
    "levenshtein": Levenshtein.normalized_similarity,
    "jaro_winkler": JaroWinkler.normalized_similarity,
}


def grade_similarity(
    completion: str,
    row: Row,
    *,
    measure: str = "ratio",
    threshold: float = 0.0,
    column: str = "answer",
    extraction: str = "whole",
    ignore_case: bool = False,
) -> Grade:
    """The likeness itself, or with a `threshold` 1 if it is reached and 0 if not."""
    gold = " ".join(str(row.get(column) or "").split())
    if not gold or len(gold) > (LONGEST_SOUGHT if measure == "partial" else LONGEST_COMPARED):
        return Grade(None, f"The row has no text in '{column}' that can be compared.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return Grade(0.0, answer.problem, answer.flags)
    given = " ".join(answer.text.split())
    if len(given) > LONGEST_COMPARED:
        return Grade(0.0, f"The answer has {len(given):,} characters, too many to compare.")
    if ignore_case:
        given, gold = given.casefold(), gold.casefold()
    likeness = MEASURES[measure](given, gold) if given else 0.0
    if measure in SEARCHING and given:
        likeness *= min(1.0, LONGEST_FREE * len(gold) / len(given))
    if threshold:
        sentence = f"The likeness is {likeness:.2f}; {threshold:g} is wanted."
        return Grade(float(likeness >= threshold), sentence)
    return Grade(likeness, f"The likeness is {likeness:.2f}.")


SIMILARITY = GraderInfo(
    "similarity",
    grade_similarity,
    "How alike the answer and the gold text are, from 0 to 1.",
    (
        GraderOption("measure", "text", "ratio", "How likeness is measured.", tuple(MEASURES)),
        THRESHOLD,
        COLUMN,
        WHOLE_EXTRACTION,
        IGNORE_CASE,
    ),
)
