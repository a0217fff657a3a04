"""Score a batch by calls into a jailed process, and hold what comes back to the contract.

The contract is TRL's: one float or None per completion. bool, text, NaN and infinity are no scores:
that completion stays unscored and the report names it.

When a call raises, hangs or kills its process, the completions are scored again one at a time, each
for an equal share of the time: that names the culprits and still scores all others, however many
hang. A function that compares completions with each other sees lone ones then; its report carries
the error either way.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from rft_core.rewards.contract import Batch, FunctionReport, Grade
from rft_core.sandbox.outcome import Outcome, Unscored
from rft_core.sandbox.pool import start_ahead
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.session import JailReply

SHORTEST_TURN = 0.5  # seconds for one completion, where its share of the time would be less
REASON_COLUMN = "reason"  # log_extra("reason", [...]) explains the scores,
FLAG_COLUMN = "flag"  # log_extra("flag", [...]) names caught tricks, "" for none
EVIDENCE_COLUMN = "evidence"  # log_extra("evidence", [...]) shows texts or pictures
SAID = {REASON_COLUMN, FLAG_COLUMN, EVIDENCE_COLUMN}
KINDS = {Outcome.TIMEOUT: "hang", Outcome.OOM: "memory"}  # of a failure; of all others "died"


@dataclass(frozen=True)
class Failure:
    """Why a call gave no values. `kind`: exception, memory, syntax, hang, died, unusable.

    `ours`: the sandbox failed, and nothing can be said of what was called.
    """

    kind: str
    message: str
    line: int | None = None
    traceback: str = ""
    sample: int | None = None
    ours: bool = False


@dataclass(frozen=True)
class CallResult:
    """What one call gave. `values` is None where it failed; else they are still to be checked."""

    values: Any = None
    failure: Failure | None = None
    stdout: str = ""
    extras: Mapping[str, Sequence[str]] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


class Callee(Protocol):
    """What is called for a batch, in a jailed process of its own."""

    @property
    def kind(self) -> ServerKind:
        """The server that its process comes from."""
        ...

    def load(self, timeout: float) -> CallResult:
        """Make ready, where that takes time of its own; at once if it is."""
        ...

    def call(self, batch: Batch, indices: Sequence[int], timeout: float) -> CallResult:
        """Scores of these completions."""
        ...


def failure_of(reply: JailReply | Unscored) -> Failure | None:
    """Why there is no value; None where there is one."""
    if isinstance(reply, Unscored):
        return Failure("died" if reply.ours else "unusable", reply.reason, ours=reply.ours)
    if reply.outcome is Outcome.OK:
        return None
    kind = KINDS.get(reply.outcome, "died")
    is_told = reply.outcome is not Outcome.OUTPUT_LIMIT
    return Failure(kind, reply.detail if is_told else f"its process ended: {reply.detail}")


def score_batch(
    name: str, callee: Callee, batch: Batch, timeout: float
) -> tuple[list[Grade], FunctionReport]:
    """Grades for the batch, all of them, and how the function of that name behaved."""
    start_ahead([callee.kind])  # a server that starts takes none of the function's time
    start = time.monotonic()
    result = callee.load(timeout)
    loaded = result.failure is None
    if loaded:
        left = timeout - (time.monotonic() - start)
        result = callee.call(batch, range(len(batch)), left)
    grades, problem = _read_result(result, len(batch))
    if loaded and result.failure:
        grades, problem = _score_one_by_one(callee, batch, timeout, result.failure)
    report = FunctionReport(
        name, time.monotonic() - start, result.stdout, extras=result.extras,
        metrics=_average_columns(result.extras) | dict(result.metrics),
    )  # fmt: skip
    if problem:
        report = replace(
            report,
            error=_sentence(name, problem),
            error_kind=problem.kind,
            error_sample=problem.sample,
            error_line=problem.line,
            traceback=problem.traceback,
        )
    return grades, report


def _score_one_by_one(
    callee: Callee, batch: Batch, timeout: float, failure: Failure
) -> tuple[list[Grade], Failure]:
    """Scores of the completions that work alone; the first that does not is named."""
    turn = max(timeout / len(batch), SHORTEST_TURN)
    grades: list[Grade] = []
    first: Failure | None = None
    for index in range(len(batch)):
        # A new process must not spend the completion's turn on the module's imports.
        result = callee.load(timeout)
        if result.failure:  # as it will be for the rest
            rest, _ = _read_result(result, len(batch) - index)
            return grades + rest, first or result.failure
        result = callee.call(batch, [index], turn)
        [grade], problem = _read_result(result, 1)
        grades.append(grade)
        if problem and not first:
            first = replace(problem, sample=index)
            if problem.kind == "hang":  # not the turn's limit, which people never set
                limit = f"{timeout:.3g} s"
                first = replace(first, message=f"it took longer than {limit} and was stopped")
    if first:
        return grades, first
    if failure.kind == "exception":  # lone scores would not be what the function means
        grades = [Grade(None, f"Not scored: {failure.message}.")] * len(batch)
    return grades, failure


def _read_result(result: CallResult, count: int) -> tuple[list[Grade], Failure | None]:
    """Check what came back against the contract."""
    if failure := result.failure:
        reason = f"Not scored: {failure.message}."
        return [Grade(None, reason, unscored_by_us=failure.ours)] * count, failure
    values = result.values
    if not isinstance(values, list) or len(values) != count:
        problem = Failure("wrong_length", _wrong_length(values, count))
        return [Grade(None, f"Not scored: {problem.message}.")] * count, problem
    reasons = _column(result, REASON_COLUMN, count)
    flags = _column(result, FLAG_COLUMN, count)
    evidence = _column(result, EVIDENCE_COLUMN, count)
    grades, first = [], None
    for index, value in enumerate(values):
        if isinstance(value, dict):
            message = f"it returned {value['shown']}, and a score is a finite number or None"
            first = first or Failure(value["bad"], message, sample=index)
            grades.append(Grade(None, f"Not scored: {message}."))
        else:
            reason = reasons[index] or ("Could not judge." if value is None else "")
            flagged = (flags[index],) if flags[index] else ()
            grades.append(Grade(value, reason, flagged, evidence=evidence[index]))
    return grades, first


def _average_columns(extras: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """The mean of each logged column of numbers: it becomes a curve. Empty cells do not count."""
    means = {}
    for column in extras.keys() - SAID:
        cells = [cell for cell in extras[column] if cell]
        try:
            numbers = [_read_number(cell) for cell in cells]
        except ValueError:
            continue
        if numbers and all(map(math.isfinite, numbers)):
            means[column] = sum(numbers) / len(numbers)
    return dict(sorted(means.items()))


def _read_number(cell: str) -> float:
    return float(cell == "True") if cell in ("True", "False") else float(cell)


def _column(result: CallResult, name: str, count: int) -> Sequence[str]:
    values = result.extras.get(name, [])
    return values if len(values) == count else [""] * count


def _wrong_length(values: Any, count: int) -> str:
    if isinstance(values, dict):
        return f"it returned a {values.get('not_a_list')}, not a list of {count} scores"
    shown = f"more than {count}" if len(values) > count else str(len(values))
    return f"it returned {shown} scores for {count} completions"


def _sentence(name: str, problem: Failure) -> str:
    where = "" if problem.sample is None else f" on completion {problem.sample}"
    line = "" if problem.line is None else f" (line {problem.line})"
    cure = ""
    if "is not installed" in problem.message:
        cure = " Install it with .venv/bin/pip, or do without it."
    return f"The reward '{name}' failed{where}{line}: {problem.message}.{cure}"
