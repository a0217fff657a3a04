"""Score a batch with a whole reward set: the weighted sum that the trainer learns from.

As in TRL, a function that cannot judge a completion (None) is left out of its sum. One thing is
stricter than TRL: where no function with a weight could judge, the reward is None and not 0, so
that a failure of ours is never learned from. Built-in graders run here; Python source runs in a
jailed process of the scorer's own, which `close()` (or leaving the `with` block) ends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

from rft_core.errors import BadInputError
from rft_core.rewards.contract import (
    Batch,
    FunctionReport,
    Grade,
    RewardEntry,
    RewardSet,
    Scored,
    Scoring,
)
from rft_core.rewards.format import is_repetitive
from rft_core.rewards.grader_info import BatchGrader, GraderInfo
from rft_core.rewards.graders import GRADERS, check_entry, needs_sandbox
from rft_core.rewards.shaping import check_shaping, shape_scores
from rft_core.rewards.user_function import UserFunction
from rft_core.rewards.workbench import Workbench
from rft_core.sandbox.executor import Executor

TIMEOUT_SECONDS = 30.0


class Scorer:
    """A reward set, ready to score. `timeout` is per function and batch, in seconds.

    Raises `BadInputError` at once where the set names unknown graders or options.
    """

    def __init__(self, reward_set: RewardSet, *, timeout: float = TIMEOUT_SECONDS) -> None:
        check_reward_set(reward_set)
        self.reward_set = reward_set
        self._timeout = timeout
        self._executor = Executor()
        self._workbench = Workbench()
        self._open_graders: dict[str, BatchGrader] = {}

    def __enter__(self) -> Scorer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._executor.close()
        for grader in self._open_graders.values():
            grader.close()
        self._open_graders.clear()
        self._workbench.close()

    @property
    def sandbox_tier(self) -> str | None:
        """The tier under which this set's code runs; None if none of it is code.

        Raises `RftError` where there is no sandbox and one is needed.
        """
        if not any(needs_sandbox(entry) for entry in self.reward_set.entries):
            return None
        return self._executor.tier

    def score(self, batch: Batch, *, global_step: int | None = None) -> Scoring:
        """Every function's verdict on every completion, in order."""
        if not len(batch):
            reports = [FunctionReport(name, 0.0) for name in self.reward_set.names]
            return Scoring((), tuple(reports))
        self._workbench.start_step(global_step)
        graded = [
            self._note_infra(*self._run(entry, batch, global_step))
            for entry in self.reward_set.entries
        ]
        columns = self._combine_scores([grades for grades, _ in graded])
        flags = [
            _flags(text, [grades[index] for grades in columns])
            for index, text in enumerate(batch.completions)
        ]
        shaped = shape_scores(self.reward_set.entries, columns, flags, batch)
        samples = [
            self._combine([grades[index] for grades in shaped], flags[index])
            for index in range(len(batch))
        ]
        return Scoring(tuple(samples), tuple(report for _, report in graded))

    def _run(
        self, entry: RewardEntry, batch: Batch, global_step: int | None
    ) -> tuple[list[Grade], FunctionReport]:
        info = GRADERS.get(entry.grader)
        if info and info.function:
            return _run_grader(info, entry, batch, self._timeout)
        if info and info.combine:
            return [Grade(None, "")] * len(batch), FunctionReport(entry.name, 0.0)
        if info and info.open:
            if entry.name not in self._open_graders:
                self._open_graders[entry.name] = info.open(entry, self._workbench)
            return self._open_graders[entry.name].score(batch, self._timeout)
        if info and info.make_entry:
            entry = info.make_entry(entry)
        return UserFunction(self._executor, entry, self._timeout).score(batch, global_step)

    def _note_infra(
        self, grades: list[Grade], report: FunctionReport
    ) -> tuple[list[Grade], FunctionReport]:
        """The report, with the completions that our own failure left unscored."""
        failed = tuple(index for index, grade in enumerate(grades) if grade.infra_error)
        if failed:
            dead = max(self._executor.dead_servers, self._workbench.pool.dead_servers)
            report = replace(report, infra_samples=failed, dead_servers=dead)
        return grades, report

    def _combine_scores(self, columns: list[list[Grade]]) -> list[list[Grade]]:
        """Fill the columns of the entries that are made of the others' scores."""
        done = list(columns)
        for place, entry in enumerate(self.reward_set.entries):
            info = GRADERS.get(entry.grader)
            if info and info.combine:
                scores = [
                    [grade.score for grade in grades] for grades in zip(*columns, strict=True)
                ]
                named = [dict(zip(self.reward_set.names, own, strict=True)) for own in scores]
                done[place] = [info.combine(entry, each) for each in named]
        return done

    def _combine(self, grades: Sequence[Grade], flags: tuple[str, ...]) -> Scored:
        names = self.reward_set.names
        return Scored(
            scores=dict(zip(names, (grade.score for grade in grades), strict=True)),
            reward=weighted_sum([grade.score for grade in grades], self.reward_set.weights),
            reasons=dict(zip(names, (grade.reason for grade in grades), strict=True)),
            flags=flags,
        )


def _flags(completion: str, grades: Sequence[Grade]) -> tuple[str, ...]:
    """What any function flagged, and repetition, whatever the functions are."""
    flags = [flag for grade in grades for flag in grade.flags]
    if is_repetitive(completion):
        flags.append("repetition")
    return tuple(dict.fromkeys(flags))


def weighted_sum(scores: Sequence[float | None], weights: Sequence[float]) -> float | None:
    """The sum over the functions that could judge; None where none that counts could."""
    judged = [(s, w) for s, w in zip(scores, weights, strict=True) if s is not None]
    only_logged = not any(weights)
    if not any(weight or only_logged for _, weight in judged):
        return None
    return math.fsum(score * weight for score, weight in judged)


def check_reward_set(reward_set: RewardSet) -> None:
    """Raise `BadInputError` unless every entry can be run and the names are distinct."""
    if not reward_set.entries:
        raise BadInputError("The reward set is empty", "", "Add at least one reward function")
    if len(set(reward_set.names)) < len(reward_set.names):
        raise BadInputError("Two reward functions have the same name", "", "Rename one of them")
    for entry in reward_set.entries:
        if not math.isfinite(entry.weight):
            raise BadInputError(f"The weight of '{entry.name}' is not a finite number")
        check_entry(entry)
    check_shaping(reward_set)


def _run_grader(
    info: GraderInfo, entry: RewardEntry, batch: Batch, timeout: float
) -> tuple[list[Grade], FunctionReport]:
    """Grade one by one, until the time is used up."""
    assert info.function
    start = time.monotonic()
    grades: list[Grade] = []
    late = None
    for index, (completion, row) in enumerate(zip(batch.completions, batch.rows, strict=True)):
        if time.monotonic() - start > timeout:
            late = index if late is None else late
            grades.append(Grade(None, "Not scored: the time for this batch was used up."))
            continue
        options = dict(entry.options)
        if info.takes_num_tokens and batch.completion_ids:
            options["num_tokens"] = len(batch.completion_ids[index])
        grades.append(info.function(completion, row, **options))
    error = None
    if late is not None:
        error = f"The reward '{entry.name}' took longer than {timeout:.3g} s for the batch."
    report = FunctionReport(
        entry.name,
        time.monotonic() - start,
        error=error,
        error_kind=error and "hang",
        error_sample=late,
    )
    return grades, report
