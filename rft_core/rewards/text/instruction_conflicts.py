"""Constraints of one row that no text can keep together: only what is certain, pair by pair."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from rft_core.rewards.text.instruction_kinds import COUNTED, KINDS, count_word, words

Constraint = Mapping[str, Any]
CASES = {"lowercase": str.lower, "uppercase": str.upper}
EDGES = ("starts_with", "ends_with")
COUNTED_OF = ("word", "letter", "separator")  # what is counted, where the kind alone does not say


def find_conflict(constraints: Sequence[Constraint]) -> str:
    """Which constraints contradict each other, as a sentence; "" where none is seen to.

    Each must be one that can be checked: see `find_constraint_problem`.
    """
    return next(_list_conflicts(constraints), "")


def _list_conflicts(constraints: Sequence[Constraint]) -> Iterator[str]:
    yield from _compare_counts(constraints)
    for one, other in combinations(constraints, 2):
        for first, second in ((one, other), (other, one)):
            if _contradict(first, second):
                yield f"'{first['kind']}' and '{second['kind']}' contradict each other"


def _contradict(one: Constraint, other: Constraint) -> bool:
    kind, against = one["kind"], other["kind"]
    text = str(other.get("text", "")).strip()
    is_edge = against in EDGES
    if kind in CASES:
        is_fixed = is_edge and not other.get("any_case")
        return (is_fixed and text != CASES[kind](text)) or ({kind, against} == set(CASES))
    if kind == "quoted" and is_edge and not other.get("any_case"):
        edge = text[:1] if against == "starts_with" else text[-1:]
        return edge not in '"“”„«»「」'
    if kind == "no_commas" and is_edge:
        return not KINDS["no_commas"].check(text, one)
    if kind == "first_word" and against == "starts_with":
        return len(words(text)) > 1 and not KINDS["first_word"].check(text, one)
    if kind == "forbidden_words":
        return any(count_word(word, bad) for word in _wanted_words(other) for bad in one["words"])
    return False


def _wanted_words(constraint: Constraint) -> list[str]:
    """Words that must be there."""
    if constraint["kind"] in ("keywords", "first_word"):
        return [*constraint.get("words", []), *filter(None, [constraint.get("word")])]
    if constraint["kind"] == "keyword_count":
        low, _ = _get_bounds(constraint)
        return [constraint["word"]] if low > 0 else []
    return [constraint["text"]] if constraint["kind"] in EDGES else []


def _compare_counts(constraints: Sequence[Constraint]) -> Iterator[str]:
    ranges: dict[tuple[str, ...], tuple[float, float]] = {}
    for constraint in constraints:
        if constraint["kind"] not in COUNTED:
            continue
        of = (str(constraint.get(name, "")).casefold() for name in COUNTED_OF)
        key = (constraint["kind"], *of)
        low, high = _get_bounds(constraint)
        before = ranges.get(key, (0, math.inf))
        ranges[key] = max(low, before[0]), min(high, before[1])
    for (kind, *_), (low, high) in ranges.items():
        if low > high:
            yield f"'{kind}' asks for {low:g} or more and for {high:g} or less"


def _get_bounds(constraint: Constraint) -> tuple[float, float]:
    exactly = constraint.get("exactly")
    lows = [bound for bound in (constraint.get("minimum"), exactly) if bound is not None]
    highs = [bound for bound in (constraint.get("maximum"), exactly) if bound is not None]
    return max(lows, default=0), min(highs, default=math.inf)
