"""The rows that one contender solves and another does not, each with what both wrote.

Rows that neither solves are told apart on request: they are what both have still to learn.

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

Direction = Literal["to right", "to wrong", "still wrong"]


@dataclass(frozen=True)
class Change:
    """`before` and `after`: a sample each that shows it, right where the row was solved.

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
    groups = [_find(matchup, label).groups for label in (first, second)]
    found = compare_rows(matchup.rows, matchup.prompts, *groups)
    found = [change for change in found if change.direction != "still wrong"]
    return sorted(found, key=lambda change: change.direction != "to right")


def compare_rows(
    rows: Sequence[Row],
    prompts: Sequence[Sequence[Message]],
    before: Sequence[Sequence[JudgedSample]],
    after: Sequence[Sequence[JudgedSample]],
) -> list[Change]:
    """All rows in order, without those that both solve and those that nobody could judge."""
    asked = zip(rows, prompts, before, after, strict=True)
    return [change for one in asked if (change := _compare(*one))]


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
    if was_right and is_right:
        return None
    turned: Direction = "to right" if is_right else "to wrong" if was_right else "still wrong"
    return Change(
        make_row_id(row),
        row,
        prompt,
        turned,
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
