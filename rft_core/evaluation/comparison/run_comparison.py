"""Comparing runs by name: what differs in them, and on the rows of both, what got worse and better.

The first run is what every other one is held against. Reads the store and samples nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.data import PromptSet
from rft_core.data.prompt_set import BUILT_IN
from rft_core.errors import BadInputError, NotFoundError
from rft_core.evaluation.changes import Change, Direction, compare_rows
from rft_core.evaluation.comparison.joined import JoinedRows, join_evaluations, join_validation
from rft_core.evaluation.comparison.settings import (
    SettingDifference,
    diff_settings,
    group_seeds,
)
from rft_core.evaluation.comparison.source_diff import (
    PartDiff,
    PromptsDiff,
    diff_prompts,
    diff_rewards,
)
from rft_core.rewards.contract import RewardSet
from rft_core.statistics import PairedDifference, paired_difference
from rft_core.store.adapters import has_adapter
from rft_core.store.evaluations import JudgedSample
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, get_run
from rft_core.store.sets import get_set
from rft_core.store.sqlite.without_pandas import Database


@dataclass(frozen=True)
class RowOutcome:
    """What became of the rows that two runs share. `changes`: in row order, also what both fail."""

    joined: JoinedRows
    difference: PairedDifference  # of the share of right samples of each row
    changes: tuple[Change, ...]

    def list_turned(self, direction: Direction) -> list[Change]:
        return [change for change in self.changes if change.direction == direction]


@dataclass(frozen=True)
class ComparedPair:
    """One run held against the first one. `outcome` None: they share no row, and `why_not` says so.

    `rewards`, `prompts`: what differs in them; empty and None where nothing does.
    """

    first: RunRow
    second: RunRow
    rewards: tuple[PartDiff, ...]
    prompts: PromptsDiff | None
    outcome: RowOutcome | None
    why_not: str = ""


@dataclass(frozen=True)
class RunComparison:
    """`groups`: the runs by their settings but for the seed. `evaluate`: the command that makes the
    evaluation which some pair lacks; "" where none is lacking, or none can be made yet.
    """

    runs: tuple[RunRow, ...]
    settings: tuple[SettingDifference, ...]
    groups: tuple[tuple[RunRow, ...], ...]
    pairs: tuple[ComparedPair, ...]
    evaluate: str = ""

    def to_json(self) -> dict[str, Any]:
        """`p_value` is that of two runs; of more, each pair has its own."""
        only = self.pairs[0].outcome if len(self.pairs) == 1 else None
        return {
            "runs": [run.id for run in self.runs],
            "config": {one.name: one.shown for one in self.settings},
            "regressions": self._list_turned("to wrong"),
            "improvements": self._list_turned("to right"),
            "persistent_failures": self._list_turned("still wrong"),
            "p_value": only.difference.p_value if only else None,
            "pairs": [_pair_as_json(pair) for pair in self.pairs],
            "evaluate": self.evaluate or None,
        }

    def _list_turned(self, direction: Direction) -> list[dict[str, Any]]:
        return [
            {"first": pair.first.id, "second": pair.second.id} | change.to_json()
            for pair in self.pairs
            if pair.outcome
            for change in pair.outcome.list_turned(direction)
        ]


def compare_runs(runs_dir: Path, run_ids: Sequence[str]) -> RunComparison:
    """The first run beside each other one. Raises `BadInputError` for fewer than two runs."""
    named = list(dict.fromkeys(run_ids))
    if len(named) < 2:
        raise BadInputError(
            "A comparison needs two runs", "", "List the runs with: python -m rft_core runs"
        )
    with open_index(runs_dir) as index:
        runs = [get_run(index, id) for id in named]
        rewards = [_find_rewards(index, run) for run in runs]
        prompts = [_find_prompts(index, run) for run in runs]
        joined = [join_evaluations(index, named[0], other) for other in named[1:]]
    pairs = [
        _compare_pair(
            runs_dir, (runs[0], other), (rewards[0], rewards[at]), (prompts[0], prompts[at]),
            joined[at - 1],
        )
        for at, other in enumerate(runs[1:], 1)
    ]  # fmt: skip
    drawn = {one.id: f"drawn for {one.task}" for one in prompts if one and one.source == BUILT_IN}
    lacking = any(not pair.outcome or pair.outcome.joined.source != "held-out" for pair in pairs)
    return RunComparison(
        tuple(runs), tuple(diff_settings([run.config for run in runs])),
        tuple(group_seeds(runs, drawn)), tuple(pairs),
        _suggest_evaluation(runs_dir, runs) if lacking else "",
    )  # fmt: skip


def _compare_pair(
    runs_dir: Path,
    runs: tuple[RunRow, RunRow],
    rewards: tuple[RewardSet | None, RewardSet | None],
    prompts: tuple[PromptSet | None, PromptSet | None],
    joined: JoinedRows | None,
) -> ComparedPair:
    first, second = runs
    if joined is None and rewards[0] and rewards[1]:
        ids, judges = (first.id, second.id), (rewards[0], rewards[1])
        joined = join_validation(runs_dir, ids, judges, first.config.task)
    outcome = _judge_rows(joined) if joined else None
    both = diff_prompts(prompts[0], prompts[1]) if prompts[0] and prompts[1] else None
    return ComparedPair(
        first, second, tuple(diff_rewards(*rewards)), both, outcome,
        "" if outcome else _explain_nothing(joined),
    )  # fmt: skip


def _judge_rows(joined: JoinedRows) -> RowOutcome | None:
    """None where no row was judged for both."""
    shares = [[_share(group) for group in groups] for groups in joined.groups]
    known = [
        (before, after)
        for before, after in zip(*shares, strict=True)
        if before is not None and after is not None
    ]
    if not known:
        return None
    before, after = zip(*known, strict=True)
    changes = compare_rows(joined.rows, joined.prompts, *joined.groups)
    return RowOutcome(joined, paired_difference(before, after), tuple(changes))


def _share(group: Sequence[JudgedSample]) -> float | None:
    verdicts = [sample.verdict for sample in group if sample.verdict is not None]
    return sum(verdicts) / len(verdicts) if verdicts else None


def _explain_nothing(joined: JoinedRows | None) -> str:
    if joined is not None:
        return "They share rows, and none of these could be judged for both."
    return "No row was answered by both and judged in the same way."


def _suggest_evaluation(runs_dir: Path, runs: Sequence[RunRow]) -> str:
    ready = [run.id for run in runs if has_adapter(runs_dir, run.id)]
    same_model = len({run.config.model for run in runs}) == 1
    same_task = len({run.config.task for run in runs}) == 1
    if len(ready) < len(runs) or not same_model:
        return ""
    task = "" if same_task else " --task TASK"
    return f"python -m rft_core evaluate {' '.join(ready)}{task}"


def _find_rewards(index: Database, run: RunRow) -> RewardSet | None:
    """None for a run without any, or of which they are not stored here."""
    try:
        stored = get_set(index, "rewards", run.config.reward_set or "")
    except NotFoundError:
        return None
    return RewardSet.from_json(stored.content)


def _find_prompts(index: Database, run: RunRow) -> PromptSet | None:
    try:
        stored = get_set(index, "prompts", run.config.prompt_set or "")
    except NotFoundError:
        return None
    return PromptSet.from_json(stored.content)


def _pair_as_json(pair: ComparedPair) -> dict[str, Any]:
    about: dict[str, Any] = {
        "first": pair.first.id,
        "second": pair.second.id,
        "rewards": [{"name": d.name, "fate": d.fate, "diff": list(d.lines)} for d in pair.rewards],
        "prompts": pair.prompts.sentence if pair.prompts else None,
    }
    if pair.outcome is None:
        return about | {"rows": None, "why_not": pair.why_not}
    found = pair.outcome.difference
    return about | {
        "rows": pair.outcome.joined.source,
        "n": found.n,
        "difference": found.difference,
        "difference_ci": list(found.ci),
        "p_value": found.p_value,
        "test": found.test,
        "improved": len(pair.outcome.list_turned("to right")),
        "regressed": len(pair.outcome.list_turned("to wrong")),
        "still_wrong": len(pair.outcome.list_turned("still wrong")),
    }
