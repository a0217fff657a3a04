"""The rows that one contender solves and another does not, each with what both wrote.

A row is solved where more than half of its judged samples are right, as McNemar's test counts it.
Rows are known by the hash of their content, so that the same one is found again in another
evaluation, another order, or a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rft_core.errors import NotFoundError
from rft_core.evaluation.held_out import make_row_id
from rft_core.evaluation.records import Matchup
from rft_core.evaluation.results import Sampled
from rft_core.statistics import HALF
from rft_core.store.evaluations import JudgedSample
from rft_core.types import Message, Row

Direction = Literal["to right", "to wrong"]


@dataclass(frozen=True)
class Change:
    """`before` and `after`: a sample each that shows it, one of them right and one wrong.

    `right_before`, `right_after`: how many of the judged samples are right, and how many there are.
    """

    row_id: str
    row: Row
    prompt: Sequence[Message]
    direction: Direction
    before: JudgedSample
    after: JudgedSample
    right_before: tuple[int, int]
    right_after: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        return {
            "row_id": self.row_id,
            "direction": self.direction,
            "row": dict(self.row),
            "right_before": list(self.right_before),
            "right_after": list(self.right_after),
            "before": self.before.text,
            "after": self.after.text,
        }


def list_changes(matchup: Matchup, first: str, second: str) -> list[Change]:
    """From the contender `first` to `second`: what was won, then what was lost, in row order."""
    one, other = _find(matchup, first), _find(matchup, second)
    found = [
        change
        for row, prompt, before, after in zip(
            matchup.rows, matchup.prompts, one.groups, other.groups, strict=True
        )
        if (change := _compare(row, prompt, before, after))
    ]
    return sorted(found, key=lambda change: change.direction != "to right")


def _find(matchup: Matchup, label: str) -> Sampled:
    for sampled in matchup.sampled:
        if sampled.label == label:
            return sampled
    raise NotFoundError(
        f"'{label}' is not among the models of this evaluation",
        "",
        f"Choose from {', '.join(matchup.labels)}",
    )


def _compare(
    row: Row,
    prompt: Sequence[Message],
    before: Sequence[JudgedSample],
    after: Sequence[JudgedSample],
) -> Change | None:
    counts = _count_right(before), _count_right(after)
    if not all(judged for _, judged in counts):
        return None
    was_right, is_right = (right / judged > HALF for right, judged in counts)
    if was_right == is_right:
        return None
    return Change(
        make_row_id(row),
        row,
        prompt,
        "to right" if is_right else "to wrong",
        _pick(before, verdict=was_right),
        _pick(after, verdict=is_right),
        *counts,
    )


def _count_right(group: Sequence[JudgedSample]) -> tuple[int, int]:
    verdicts = [sample.verdict for sample in group if sample.verdict is not None]
    return sum(verdicts), len(verdicts)


def _pick(group: Sequence[JudgedSample], *, verdict: bool) -> JudgedSample:
    """The first sample of that verdict. A row that is (un)solved has one: its majority."""
    return next(sample for sample in group if sample.verdict is verdict)
