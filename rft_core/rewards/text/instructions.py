"""Verifiable instructions: how many of a row's constraints the completion keeps (IFEval).

A row has `constraints`: [{"kind": "word_count", "maximum": 50}, {"kind": "no_commas"}, …]. The
score is 1 if all are kept, or their share. What says nothing keeps nothing, since silence has no
commas. Kinds and what they mean: `instruction_kinds.py`. Source: arXiv 2311.07911 (its "strict"
accuracy, per prompt and per instruction).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rft_core.rewards.completion_text import EXTRACTIONS
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import TEXT_EXTRACTION, GraderInfo, GraderOption
from rft_core.rewards.text.format import has_visible_text
from rft_core.rewards.text.instruction_kinds import (
    COUNTED,
    KINDS,
    as_read,
)
from rft_core.rewards.text.language import LANGUAGES
from rft_core.types import Row

LONGEST_TEXT = 100_000
BOUNDS = ("minimum", "maximum", "exactly")
TEXTS = ("word", "letter", "text", "marker", "language")


def grade_instructions(
    completion: str,
    row: Row,
    *,
    column: str = "constraints",
    extraction: str = "whole",
    partial: bool = False,
) -> Grade:
    """1 if every constraint of the row is kept; with `partial` the share of those kept."""
    constraints = without_none(row.get(column))
    problem = find_constraint_problem(constraints)
    if problem or not isinstance(constraints, list):
        return Grade(None, f"The row's '{column}' cannot be checked: {problem}.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return Grade(0.0, answer.problem, answer.flags)
    if not has_visible_text(answer.text) or len(answer.text) > LONGEST_TEXT:
        return Grade(0.0, "The completion is empty, or far too long.")
    text = as_read(answer.text)
    broken = [c["kind"] for c in constraints if not KINDS[c["kind"]].check(text, c)]
    if not broken:
        return Grade(1.0, f"All {len(constraints)} constraints are kept.")
    score = 1 - len(broken) / len(constraints) if partial else 0.0
    return Grade(score, f"Not kept: {', '.join(broken)}.")


def without_none(constraints: Any) -> Any:
    """Table formats fill in None for every value that only other constraints have."""
    if not isinstance(constraints, list):
        return constraints
    return [
        {name: value for name, value in one.items() if value is not None}
        if isinstance(one, Mapping)
        else one
        for one in constraints
    ]


def find_constraint_problem(constraints: Any) -> str:
    """Why these constraints cannot be checked; "" where they can."""
    if not isinstance(constraints, list) or not constraints:
        return "it is not a list with at least one constraint"
    return next((problem for problem in map(_find_problem, constraints) if problem), "")


def _find_problem(constraint: Any) -> str:
    kind = constraint.get("kind") if isinstance(constraint, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        return f"{constraint!r:.80} is no constraint of a known kind"
    problem = _find_value_problem(kind, constraint)
    return f"'{kind}' {problem}" if problem else ""


def _find_value_problem(kind: str, values: Mapping[str, Any]) -> str:
    missing = [name for name in KINDS[kind].needs if not values.get(name)]
    bounds = [values[name] for name in BOUNDS if values.get(name) is not None]
    listed = values.get("words", [])
    if missing:
        return f"needs '{missing[0]}'"
    if kind in COUNTED and (not bounds or any(type(bound) is not int for bound in bounds)):
        return "needs minimum, maximum or exactly, in whole numbers"
    if any(not isinstance(values.get(name, ""), str) for name in TEXTS):
        return "has a value that is not text"
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        return "needs a list of texts for 'words'"
    if kind == "language" and values["language"] not in LANGUAGES:
        return f"does not know '{values['language']}'"
    return ""


INSTRUCTIONS = GraderInfo(
    "instructions",
    grade_instructions,
    "1 if the completion keeps every constraint of its row: counts, words, case, layout, language.",
    (
        GraderOption("column", "text", "constraints", "Column that holds the constraints."),
        replace(TEXT_EXTRACTION, default="whole"),
        GraderOption("partial", "bool", False, "Credit for the share of constraints kept."),
    ),
)
