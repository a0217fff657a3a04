"""Run the programs that completions hold, each in a fresh jailed process, and grade what came back.

A grader says what a completion's program is to be asked; this file sees to the pool, the time of
the batch, and the failures that are ours: those leave a completion unscored, never at 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rft_core.rewards.code.source import PLACES
from rft_core.rewards.contract import FunctionReport, Grade
from rft_core.rewards.grader_info import SHORTEST_TIME, GraderOption
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.pool import Failed, Pool
from rft_core.sandbox.provider import Program, Reply, Session

BUDGETS = 4  # all calls of one program together may take so many times the limit of one
SECONDS = GraderOption(
    "seconds",
    "float",
    2.0,
    f"Time for each test; all of one program get {BUDGETS} times as much.",
    minimum=SHORTEST_TIME,
)
PROGRAM_PLACE = GraderOption(
    "extraction", "text", "auto", "Where the program stands in the completion.", tuple(PLACES)
)
USED_UP = "Not scored: the time for this batch was used up."

Job = TypeVar("Job")
Result = TypeVar("Result")


class _BatchOverError(Exception):
    """The time of the batch is used up; whatever is still to be run stays unscored."""


class Clock:
    """The time that is left for one program: per call, for all its calls, and for the batch."""

    def __init__(self, seconds: float, deadline: float) -> None:
        self._seconds, self._deadline = seconds, deadline
        self._left = seconds * BUDGETS

    def call(self, session: Session, function: str, arguments: Mapping[str, Any]) -> Reply:
        """Call within what is left. Raises where the batch has none left."""
        if time.monotonic() > self._deadline:
            raise _BatchOverError
        reply = session.call(function, arguments, min(self._seconds, self._left))
        self._left = max(0.01, self._left - reply.seconds)
        return reply


def is_over(reply: Reply) -> bool:
    """Whether the process has ended with this reply, so that there is nothing left to ask."""
    return reply.outcome not in (Outcome.OK, Outcome.CANDIDATE_ERROR)


@dataclass(frozen=True)
class Runner(Generic[Job, Result]):
    """`ask` is called once per job, with its session and clock, several jobs at a time."""

    program: Program
    ask: Callable[[Session, Clock, Job], Result]
    seconds: float

    def run(
        self, pool: Pool, prepared: Sequence[Job | Grade], deadline: float
    ) -> list[Result | Grade]:
        """In order; what is a grade already stays one, and what could not be run becomes one.

        The deadline moves by the limit of each program, so that many that hang cannot use up the
        time of those that do not.
        """
        jobs = [job for job in prepared if not isinstance(job, Grade)]
        deadline += self.seconds * len(jobs)

        def work(session: Session, job: Job) -> Result | Grade:
            try:
                return self.ask(session, Clock(self.seconds, deadline), job)
            except _BatchOverError:
                return Grade(None, USED_UP)

        answers = iter(pool.run(self.program, jobs, work))
        return [
            job if isinstance(job, Grade) else _without_failure(next(answers)) for job in prepared
        ]


def _without_failure(answer: Any) -> Any:
    if not isinstance(answer, Failed):
        return answer
    is_ours = answer.outcome is Outcome.INFRA_ERROR
    return Grade(None, f"Not scored: {answer.why}.", infra_error=is_ours)


def grade_blocked(blocked: Sequence[str]) -> Grade:
    """A program that reached for what is not its own earns nothing, whatever else it did."""
    flags = tuple(f"blocked_{what}" for what in blocked)
    return Grade(0.0, f"It tried what no program may: {', '.join(blocked)}.", flags)


def make_report(
    name: str, start: float, grades: Sequence[Grade], metrics: Mapping[str, float]
) -> FunctionReport:
    """The report of a batch; the first completion that had to stay unscored is its error."""
    unscored = [index for index, grade in enumerate(grades) if grade.score is None]
    report = FunctionReport(name, time.monotonic() - start, metrics=metrics)
    if not unscored:
        return report
    first = grades[unscored[0]]
    kind = "died" if first.infra_error else "hang" if first.reason == USED_UP else "unusable"
    return FunctionReport(
        name,
        time.monotonic() - start,
        error=f"The reward '{name}': {first.reason}",
        error_kind=kind,
        error_sample=unscored[0],
        metrics=metrics,
    )
