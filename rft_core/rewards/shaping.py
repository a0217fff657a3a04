"""How scores count before they are added up: flags, gates, bounds, and ranks within a group.

Applied to each function of a set in this order, on its own verdicts:
1. `when_flagged`: the score of a completion in which any function found a trick.
2. `only_if`: 0 unless the named function gave 1 ("correctness only if the format holds"). The gate
   looks at that function's own verdict, before any shaping; a gate that could not judge leaves the
   score unscored.
3. `clip_low`, `clip_high`: bounds.
4. `in_group`: "rank" puts the scores of one prompt's completions in order, 0 for the worst to 1 for
   the best, ties halfway (a length or a judge then only has to order them); "min_max" stretches
   them from 0 to 1. Groups are consecutive completions of the same prompt and row. Where all are
   equal each gets 0.5, which carries no gradient.
Unscored stays unscored through all of it. Weights and the sum are in `scorer.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from rft_core.errors import BadInputError
from rft_core.rewards.contract import LARGEST, Batch, Grade, RewardEntry, RewardSet
from rft_core.rewards.deciding import FULL
from rft_core.rewards.formula import FORMULA, formula_names
from rft_core.rewards.in_group import list_groups, rank_within, stretch

IN_GROUP = ("rank", "min_max")

Column = Sequence[Grade]


def shape_scores(
    entries: Sequence[RewardEntry],
    columns: Sequence[Column],
    flags: Sequence[tuple[str, ...]],
    batch: Batch,
) -> list[Column]:
    """One column of grades per entry, as they count; `columns` are the functions' own verdicts."""
    by_name = {entry.name: column for entry, column in zip(entries, columns, strict=True)}
    shaped: list[Column] = []
    for entry, column in zip(entries, columns, strict=True):
        grades = column
        if entry.when_flagged is not None:
            grades = [_penalise(*pair, entry) for pair in zip(grades, flags, strict=True)]
        if entry.only_if:
            gates = by_name[entry.only_if]
            grades = [_gate(*pair, entry) for pair in zip(grades, gates, strict=True)]
        grades = [_clip(grade, entry) for grade in grades]
        shaped.append(_relate(grades, entry.in_group, batch) if entry.in_group else grades)
    return shaped


def score_range(entry: RewardEntry, seen: Sequence[float]) -> tuple[float, float]:
    """Between which scores the entry counts: its bounds, else 0 to 1 or as far as was `seen`.

    What is compared within a group goes from 0 to 1, whatever its bounds were before.
    """
    if entry.in_group:
        return 0.0, FULL
    low = min([0.0, *seen]) if entry.clip_low is None else entry.clip_low
    high = max([FULL, low, *seen]) if entry.clip_high is None else entry.clip_high
    return min(low, high), high


def check_shaping(reward_set: RewardSet) -> None:
    """Raise `BadInputError` for a gate, bound or comparison that cannot be applied."""
    for entry in reward_set.entries:
        if entry.only_if and (entry.only_if not in reward_set.names or entry.only_if == entry.name):
            raise BadInputError(
                f"'{entry.name}' counts only if '{entry.only_if}' is full, which is no other "
                "function of the set",
                "",
                f"Choose from {', '.join(n for n in reward_set.names if n != entry.name)}",
            )
        if entry.grader == FORMULA.name:
            _check_formula_names(entry, reward_set)
        numbers = (entry.when_flagged, entry.clip_low, entry.clip_high)
        if not all(number is None or abs(number) <= LARGEST for number in numbers):
            raise BadInputError(
                f"A bound or penalty of '{entry.name}' is too large, or no number",
                "",
                f"Give it a number from -{LARGEST:g} to {LARGEST:g}",
            )
        low, high = entry.clip_low, entry.clip_high
        if low is not None and high is not None and low > high:
            raise BadInputError(
                f"The lower bound of '{entry.name}', {low:g}, is above the upper one, {high:g}",
                "",
                "Exchange them, or leave one out",
            )
        if entry.in_group and entry.in_group not in IN_GROUP:
            raise BadInputError(
                f"'{entry.in_group}' is no way to compare a group", "", f"Use {IN_GROUP}"
            )


def _check_formula_names(entry: RewardEntry, reward_set: RewardSet) -> None:
    usable = {other.name for other in reward_set.entries if other.grader != FORMULA.name}
    unknown = sorted(formula_names(entry.options.get("expression", "")) - usable)
    if unknown:
        raise BadInputError(
            f"The formula '{entry.name}' needs '{unknown[0]}', which is no function it can use",
            "",
            f"Choose from {', '.join(sorted(usable))}",
        )


def _penalise(grade: Grade, flags: tuple[str, ...], entry: RewardEntry) -> Grade:
    if not flags or grade.score is None:
        return grade
    reason = f"Flagged: {', '.join(flags)}. By itself {grade.score:g}: {grade.reason}"
    return replace(grade, score=entry.when_flagged, reason=reason)


def _gate(grade: Grade, gate: Grade, entry: RewardEntry) -> Grade:
    if grade.score is None or (gate.score is not None and gate.score >= FULL):
        return grade
    if gate.score is None:
        return replace(grade, score=None, reason=f"'{entry.only_if}' could not judge.")
    if grade.score <= 0:  # a gate takes credit away, never a penalty
        return grade
    reason = f"Not counted: '{entry.only_if}' is {gate.score:g}. By itself {grade.score:g}: "
    return replace(grade, score=0.0, reason=reason + grade.reason)


def _clip(grade: Grade, entry: RewardEntry) -> Grade:
    if grade.score is None:
        return grade
    low = -math.inf if entry.clip_low is None else entry.clip_low
    high = math.inf if entry.clip_high is None else entry.clip_high
    return replace(grade, score=min(max(grade.score, low), high))


def _relate(grades: Sequence[Grade], how: str, batch: Batch) -> list[Grade]:
    """Every group's scored grades, compared with each other."""
    relate = rank_within if how == "rank" else stretch
    related = list(grades)
    for group in list_groups(batch):
        members = [(index, grades[index].score) for index in group]
        scored = [(index, score) for index, score in members if score is not None]
        values = relate([score for _, score in scored])
        for (index, score), value in zip(scored, values, strict=True):
            reason = f"{how} in its group, by itself {score:g}: {grades[index].reason}"
            related[index] = replace(grades[index], score=value, reason=reason)
    return related
