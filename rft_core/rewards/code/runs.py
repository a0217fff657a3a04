"""Run the programs that completions hold, each in a fresh jailed process, and grade what came back.

A grader says what a completion's program is to be asked; this file sees to the pool, the time of
the batch, and the failures that are ours: those leave a completion unscored, never at 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from rft_core.rewards.code.source import PLACES, find_program
from rft_core.rewards.contract import FunctionReport, Grade, RewardEntry
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.grader_info import SHORTEST_TIME, GraderOption, fill_options
from rft_core.sandbox.outcome import Unscored
from rft_core.sandbox.pool import run_jobs, start_ahead
from rft_core.sandbox.server_kind import choose_kind, list_slow_imports
from rft_core.sandbox.session import JailedProgram, JailReply, JailSession, get_program

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


class HasSource(Protocol):
    """A job that is to run this program."""

    @property
    def source(self) -> str: ...


Job = TypeVar("Job")
Sourced = TypeVar("Sourced", bound=HasSource)
Result = TypeVar("Result")


IMPORT_SECONDS = 20.0  # for libraries that the program imports, before its own time begins


class _BatchOverError(Exception):
    """The time of the batch is used up; whatever is still to be run stays unscored."""


class BatchClock:
    """When a batch is over, `seconds` from now, in however many runs its programs are asked.

    Time in which they waited for a processor, or for a server to start, is not its own.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline, self._lock = time.monotonic() + seconds, Lock()

    def add(self, seconds: float) -> None:
        """As many more, where they are any."""
        with self._lock:
            self._deadline += max(0.0, seconds)

    def is_over(self) -> bool:
        return time.monotonic() > self._deadline


class Clock:
    """The time that is left for one program: per call, for all its calls, and for the batch."""

    def __init__(self, seconds: float, batch: BatchClock) -> None:
        self._seconds, self._batch = seconds, batch
        self._left = seconds * BUDGETS

    def call(self, session: JailSession, function: str, arguments: Mapping[str, Any]) -> JailReply:
        """Call within what is left. Raises where the batch has none left."""
        if self._batch.is_over():
            raise _BatchOverError
        start = time.monotonic()
        reply = session.call(function, arguments, min(self._seconds, self._left))
        self._batch.add(time.monotonic() - start - reply.seconds)
        self._left = max(0.01, self._left - reply.seconds)
        return reply


@dataclass(frozen=True)
class Runner(Generic[Job, Result]):
    """`ask` is called once per job, with its session and clock, several jobs at a time."""

    program: JailedProgram | Callable[[Job], JailedProgram]
    ask: Callable[[JailSession, Clock, Job], Result]
    seconds: float

    def run(self, prepared: Sequence[Job | Grade], batch: BatchClock) -> list[Result | Grade]:
        """In order; what is a grade already stays one, and what could not be run becomes one.

        The batch's end moves by the limit of each program, so that many that hang cannot use up
        the time of those that do not.
        """
        jobs = [job for job in prepared if not isinstance(job, Grade)]
        start = time.monotonic()
        start_ahead(self._choose(job).kind for job in jobs)
        batch.add(time.monotonic() - start + self.seconds * len(jobs))

        def work(session: JailSession, job: Job) -> Result | Grade:
            try:
                return self.ask(session, Clock(self.seconds, batch), job)
            except _BatchOverError:
                return Grade(None, USED_UP)

        answers = iter(run_jobs(self.program, jobs, work))
        return [
            job if isinstance(job, Grade) else _without_failure(next(answers)) for job in prepared
        ]

    def _choose(self, job: Job) -> JailedProgram:
        return self.program(job) if callable(self.program) else self.program


class ProgramGrader:
    """What graders of programs have in common: options, one run for a batch, nothing left open.

    `program` is the name of the module in `sandbox/programs` that runs beside the candidate.
    """

    options: ClassVar[tuple[GraderOption, ...]]
    program: ClassVar[str]

    def __init__(self, entry: RewardEntry, context: GraderContext) -> None:
        self._name, self._context = entry.name, context
        self._options = fill_options(self.options, entry)

    def close(self) -> None:
        """Its processes ended with their runs, and the servers are shared."""

    def _run(
        self,
        prepared: Sequence[Sourced | Grade],
        ask: Callable[[JailSession, Clock, Sourced], Result],
        clock: BatchClock,
    ) -> list[Result | Grade]:
        """As `Runner.run`, with the server that each program's imports ask for."""
        run = Runner[Sourced, Result](
            choose_program(self.program), ask, self._options["seconds"]
        ).run
        return run(prepared, clock)

    def _find_program(self, completion: str, entry_point: str = "") -> str | Grade:
        """The completion's program, or the 0 for having none."""
        found = find_program(completion, self._options["extraction"], entry_point)
        return Grade(0.0, found.problem, found.flags) if found.text is None else found.text


def _without_failure(answer: Any) -> Any:
    if not isinstance(answer, Unscored):
        return answer
    return Grade(None, f"Not scored: {answer.reason}.", unscored_by_us=answer.ours)


def choose_program(name: str) -> Callable[[HasSource], JailedProgram]:
    """The program of that name, in the server that has what the candidate's source imports."""
    return lambda job: get_program(name, choose_kind(job.source))


def import_libraries(session: JailSession, source: str) -> None:
    """Have ready what the source imports: loading libraries is not the program's own time."""
    if names := list_slow_imports(source):
        session.call("import_libraries", {"names": names}, IMPORT_SECONDS)


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
    kind = "died" if first.unscored_by_us else "hang" if first.reason == USED_UP else "unusable"
    return FunctionReport(
        name,
        time.monotonic() - start,
        error=f"The reward '{name}': {first.reason}",
        error_kind=kind,
        error_sample=unscored[0],
        metrics=metrics,
    )
