"""Score a batch with a whole reward set: the weighted sum that the trainer learns from.

As in TRL, a function that cannot judge a completion (None) is left out of its sum. One thing is
stricter than TRL: where no function with a weight could judge, the reward is None and not 0, so
that a failure of ours is never learned from. Scores and weights are bounded, so the sum is finite.
Built-in graders run here; Python source, and what of ours could run away, in jailed processes of
the scorer's own, which `close()` (or leaving the `with` block) ends.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

from rft_core.errors import BadInputError, RftError
from rft_core.rewards.contract import (
    LARGEST,
    Batch,
    FunctionReport,
    Grade,
    RewardEntry,
    RewardSet,
    Scored,
    Scoring,
)
from rft_core.rewards.grader_context import GraderContext, OpenRewardModel
from rft_core.rewards.grader_info import BatchGrader
from rft_core.rewards.jailed.grader import JailedGrader
from rft_core.rewards.jailed.user_function import UserFunction
from rft_core.rewards.one_by_one import combine_scores, describe, grade_batch, report_failure
from rft_core.rewards.registry import GRADERS, check_entry, list_code, refuse_code
from rft_core.rewards.shaping import check_shaping, shape_scores
from rft_core.rewards.text.format import is_repetitive
from rft_core.sandbox.outcome import InfrastructureError, SandboxRefusedError
from rft_core.sandbox.servers import SERVERS

TIMEOUT_SECONDS = 30.0


class Scorer:
    """A reward set, ready to score. `timeout` is per function and batch, in seconds.

    `open_reward_model` loads the reward models that the set names; without it they leave their
    completions unscored. Raises `BadInputError` at once for unknown graders or options.
    """

    def __init__(
        self,
        reward_set: RewardSet,
        *,
        timeout: float = TIMEOUT_SECONDS,
        open_reward_model: OpenRewardModel | None = None,
    ) -> None:
        check_reward_set(reward_set)
        self.reward_set = reward_set
        self._timeout = timeout
        self._context = GraderContext(open_reward_model)
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
        for grader in self._open_graders.values():
            grader.close()
        self._open_graders.clear()
        self._context.close()

    @property
    def sandbox_tier(self) -> str | None:
        """The tier under which this set's code runs; None if none of it is code, or no server runs.

        Raises `RftError` where no tier holds and one is needed.
        """
        if not list_code(self.reward_set):
            return None
        try:
            return SERVERS.tier
        except SandboxRefusedError as error:
            raise refuse_code(self.reward_set, str(error)) from error
        except InfrastructureError:
            return None  # scoring tries anew, and says which completions stay unscored

    def require_sandbox(self) -> None:
        """Raise `RftError` where no tier holds and every function is code: none could judge."""
        if len(list_code(self.reward_set)) == len(self.reward_set.entries):
            _ = self.sandbox_tier

    def score(
        self,
        batch: Batch,
        *,
        global_step: int | None = None,
        max_steps: int | None = None,
        only_logged: frozenset[str] = frozenset(),
    ) -> Scoring:
        """Every function's verdict on every completion, in order.

        `only_logged`: functions whose weight is 0 for this batch.
        """
        if not len(batch):
            reports = [FunctionReport(name, 0.0) for name in self.reward_set.names]
            return Scoring((), tuple(reports))
        self._context.start_step(global_step, max_steps)
        graded = self._grade(batch)
        columns = [grades for grades, _ in graded]
        flags = [
            _flags(text, [grades[index] for grades in columns])
            for index, text in enumerate(batch.completions)
        ]
        shaped = shape_scores(self.reward_set.entries, columns, flags, batch)
        samples = [
            self._combine([grades[index] for grades in shaped], flags[index], only_logged)
            for index in range(len(batch))
        ]
        return Scoring(tuple(samples), tuple(report for _, report in graded))

    def _grade(self, batch: Batch) -> list[tuple[list[Grade], FunctionReport]]:
        """Each function's own verdicts; last of those that are made of the others' scores."""
        made = {e.name: e for e in self.reward_set.entries if _is_made_of_others(e)}
        graded = {
            entry.name: _bound(*self._note_our_failures(*self._run(entry, batch)))
            for entry in self.reward_set.entries
            if entry.name not in made
        }
        known = [
            {name: grades[index].score for name, (grades, _) in graded.items()}
            for index in range(len(batch))
        ]
        for entry in made.values():
            graded[entry.name] = _bound(*combine_scores(entry, known, self._timeout))
        return [graded[name] for name in self.reward_set.names]

    def _run(self, entry: RewardEntry, batch: Batch) -> tuple[list[Grade], FunctionReport]:
        """A mistake in a batch grader leaves the batch unscored: nobody knows which completion."""
        info = GRADERS.get(entry.grader)
        if info and info.function:
            return grade_batch(info, entry, batch, self._timeout)
        start = time.monotonic()
        if entry.name not in self._open_graders:
            self._open_graders[entry.name] = self._open(entry)
        try:
            return self._open_graders[entry.name].score(batch, self._timeout)
        except RftError:
            raise
        except Exception as error:  # whatever it is, the other functions keep their scores
            report = report_failure(entry.name, error)
            unscored = Grade(None, f"Not scored: {describe(error)}.")
            return [unscored] * len(batch), replace(report, seconds=time.monotonic() - start)

    def _open(self, entry: RewardEntry) -> BatchGrader:
        info = GRADERS.get(entry.grader)
        if info and info.open:
            return info.open(entry, self._context)
        if info and info.jailed:
            return JailedGrader(info, entry, self._context)
        return UserFunction(entry, self._context)

    def _note_our_failures(
        self, grades: list[Grade], report: FunctionReport
    ) -> tuple[list[Grade], FunctionReport]:
        """The report, with the completions that our own failure left unscored."""
        failed = tuple(index for index, grade in enumerate(grades) if grade.unscored_by_us)
        if failed:
            dead = SERVERS.dead_in_a_row
            report = replace(report, unscored_by_us=failed, dead_servers=dead)
        return grades, report

    def _combine(
        self, grades: Sequence[Grade], flags: tuple[str, ...], only_logged: frozenset[str]
    ) -> Scored:
        names = self.reward_set.names
        weights = [
            0.0 if entry.name in only_logged else entry.weight for entry in self.reward_set.entries
        ]
        return Scored(
            scores=dict(zip(names, (grade.score for grade in grades), strict=True)),
            reward=weighted_sum([grade.score for grade in grades], weights),
            reasons=dict(zip(names, (grade.reason for grade in grades), strict=True)),
            flags=flags,
            answer=next((grade.answer for grade in grades if grade.answer is not None), None),
            evidence={
                name: grade.evidence
                for name, grade in zip(names, grades, strict=True)
                if grade.evidence
            },
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
        if not abs(entry.weight) <= LARGEST:
            raise BadInputError(
                f"The weight of '{entry.name}' is {entry.weight:g}",
                "",
                f"Give it a number from -{LARGEST:g} to {LARGEST:g}",
            )
        check_entry(entry)
    check_shaping(reward_set)
    if unknown := sorted(set(reward_set.truth) - set(reward_set.names)):
        raise BadInputError(
            f"'{unknown[0]}' is to say what is right, and is no function of the set",
            "",
            f"Choose from {', '.join(reward_set.names)}",
        )


def _is_made_of_others(entry: RewardEntry) -> bool:
    info = GRADERS.get(entry.grader)
    return bool(info and info.combine)


def _bound(grades: list[Grade], report: FunctionReport) -> tuple[list[Grade], FunctionReport]:
    """A score that is too large to be reckoned with is none, as NaN and infinity are none."""
    wrong = [i for i, g in enumerate(grades) if g.score is not None and not abs(g.score) <= LARGEST]
    if not wrong:
        return grades, report
    problem = f"and a score is from -{LARGEST:g} to {LARGEST:g}"
    bounded = list(grades)
    for index in wrong:
        reason = f"Not scored: it gave {grades[index].score:g}, {problem}."
        bounded[index] = replace(grades[index], score=None, reason=reason)
    if report.error:
        return bounded, report
    first = wrong[0]
    error = f"The reward '{report.name}' failed on completion {first}: "
    error += f"it gave {grades[first].score:g}, {problem}."
    return bounded, replace(report, error=error, error_kind="too_large", error_sample=first)
