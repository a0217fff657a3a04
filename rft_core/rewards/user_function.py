"""Call a user's reward function in the child and hold it to its contract.

The contract is TRL's: keywords in (prompts, completions, completion_ids, every row column as a
list, trainer_state, log_extra, log_metric), a list of float or None out, one per completion.
Completions are plain texts; a module that sets `CONVERSATIONAL = True` gets message lists instead.
Keywords that the function does not accept are left out. bool, text, NaN and infinity are no scores:
that completion stays unscored and the report names it.

When a call raises, hangs or kills its process, the completions are scored again one at a time, each
for an equal share of the time: that names the culprits and still scores all others, however many
hang. A function that compares completions with each other sees lone ones then; its report carries
the error either way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry
from rft_core.sandbox.executor import CallResult, Executor, Failure, Outcome

RESERVED = {"prompt", "prompts", "completion", "completions", "completion_ids"} | {
    "trainer_state", "log_extra", "log_metric", "global_step"
}  # fmt: skip
SHORTEST_TURN = 0.5  # seconds for one completion, where its share of the time would be less
REASON_COLUMN = "reason"  # log_extra("reason", [...]) explains the scores,
FLAG_COLUMN = "flag"  # log_extra("flag", [...]) names caught tricks, "" for none


@dataclass(frozen=True)
class _Problem:
    """What went wrong with one call: the report's error fields."""

    kind: str
    message: str
    sample: int | None = None
    line: int | None = None
    traceback: str = ""


@dataclass(frozen=True)
class UserFunction:
    """A Python entry of a reward set, called in the executor's child.

    `is_ours`: a grader made it, of our own texts, and so it may run where no jail holds.
    """

    executor: Executor
    entry: RewardEntry
    timeout: float
    is_ours: bool = False

    def score(self, batch: Batch, global_step: int | None) -> tuple[list[Grade], FunctionReport]:
        """Grades for the batch, all of them, and how the function behaved."""
        start = time.monotonic()
        result = self._load()
        loaded = result.failure is None
        if loaded:
            left = self.timeout - (time.monotonic() - start)
            result = self._call(batch, range(len(batch)), global_step, left)
        grades, problem = _read_result(result, len(batch))
        if loaded and result.failure:
            grades, problem = self._score_one_by_one(batch, global_step, result.failure)
        report = FunctionReport(
            self.entry.name,
            time.monotonic() - start,
            result.stdout,
            extras=result.extras,
            metrics=result.metrics,
        )
        if problem:
            report = replace(
                report,
                error=_sentence(self.entry.name, problem),
                error_kind=problem.kind,
                error_sample=problem.sample,
                error_line=problem.line,
                traceback=problem.traceback,
            )
        return grades, report

    @property
    def _source(self) -> str:
        return self.entry.source or ""

    def _load(self) -> CallResult:
        return self.executor.load(self._source, self.timeout, is_ours=self.is_ours)

    def _call(
        self, batch: Batch, indices: Sequence[int], global_step: int | None, timeout: float
    ) -> CallResult:
        columns = {name for row in batch.rows for name in row} - RESERVED
        keywords: dict[str, Any] = {
            name: [batch.rows[index].get(name) for index in indices] for name in sorted(columns)
        }
        keywords |= {
            "prompts": [[dict(message) for message in batch.prompts[index]] for index in indices],
            "completions": [batch.completions[index] for index in indices],
            "completion_ids": [
                [int(token) for token in batch.completion_ids[index]]
                if batch.completion_ids
                else []
                for index in indices
            ],
            "global_step": global_step,
        }
        return self.executor.call(
            self._source, self.entry.function, keywords, timeout, is_ours=self.is_ours
        )

    def _score_one_by_one(
        self, batch: Batch, global_step: int | None, failure: Failure
    ) -> tuple[list[Grade], _Problem]:
        """Scores of the completions that work alone; the first that does not is named."""
        turn = max(self.timeout / len(batch), SHORTEST_TURN)
        grades: list[Grade] = []
        first: _Problem | None = None
        for index in range(len(batch)):
            # A new child must not spend the completion's turn on the module's imports.
            result = self._load()
            if result.failure:  # as it will be for the rest
                rest, _ = _read_result(result, len(batch) - index)
                return grades + rest, first or _problem_of(result.failure)
            result = self._call(batch, [index], global_step, turn)
            [grade], problem = _read_result(result, 1)
            grades.append(grade)
            if problem and not first:
                first = replace(problem, sample=index)
                if problem.kind == "hang":  # not the turn's limit, which people never set
                    limit = f"{self.timeout:.3g} s"
                    first = replace(first, message=f"it took longer than {limit} and was stopped")
        if first:
            return grades, first
        if failure.kind == "exception":  # lone scores would not be what the function means
            grades = [Grade(None, f"Not scored: {failure.message}.")] * len(batch)
        return grades, _problem_of(failure)


def _read_result(result: CallResult, count: int) -> tuple[list[Grade], _Problem | None]:
    """Check what came back against the contract."""
    if result.failure:
        problem = _problem_of(result.failure)
        infra_error = result.outcome is Outcome.INFRA_ERROR
        reason = f"Not scored: {problem.message}."
        return [Grade(None, reason, infra_error=infra_error)] * count, problem
    values = result.values
    if not isinstance(values, list) or len(values) != count:
        problem = _Problem("wrong_length", _wrong_length(values, count))
        return [Grade(None, f"Not scored: {problem.message}.")] * count, problem
    reasons = _column(result, REASON_COLUMN, count)
    flags = _column(result, FLAG_COLUMN, count)
    grades, first = [], None
    for index, value in enumerate(values):
        if isinstance(value, dict):
            message = f"it returned {value['shown']}, and a score is a finite number or None"
            first = first or _Problem(value["bad"], message, index)
            grades.append(Grade(None, f"Not scored: {message}."))
        else:
            reason = reasons[index] or ("Could not judge." if value is None else "")
            grades.append(Grade(value, reason, (flags[index],) if flags[index] else ()))
    return grades, first


def _column(result: CallResult, name: str, count: int) -> Sequence[str]:
    values = result.extras.get(name, [])
    return values if len(values) == count else [""] * count


def _problem_of(failure: Failure) -> _Problem:
    return _Problem(failure.kind, failure.message, None, failure.line, failure.traceback)


def _wrong_length(values: Any, count: int) -> str:
    if isinstance(values, dict):
        return f"it returned a {values.get('not_a_list')}, not a list of {count} scores"
    shown = f"more than {count}" if len(values) > count else str(len(values))
    return f"it returned {shown} scores for {count} completions"


def _sentence(name: str, problem: _Problem) -> str:
    where = "" if problem.sample is None else f" on completion {problem.sample}"
    line = "" if problem.line is None else f" (line {problem.line})"
    cure = ""
    if "is not installed" in problem.message:
        cure = " Install it with .venv/bin/pip, or do without it."
    return f"The reward '{name}' failed{where}{line}: {problem.message}.{cure}"
