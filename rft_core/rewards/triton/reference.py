"""The tests of a row: inputs, and the answers that the row's reference gives for them.

The reference is the row's text, so it runs in a jailed process, and in another one than any
candidate: no process that holds a candidate ever holds an answer. Whether whole numbers are indices
shows before anything is drawn: then the reference refuses those that lie beyond every axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.code.runs import BatchClock, Clock, Runner
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.triton.comparison import KernelOutput, is_trivial, read_answer
from rft_core.rewards.triton.inputs import KernelInputs, draw_tests, is_valid, make_probes
from rft_core.rewards.triton.programs import get_interpreter
from rft_core.rewards.triton.rounding import list_pushed, with_rounding
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.session import JailSession
from rft_core.types import Row

SECONDS = 10.0
COUNTING = "arange"  # whole numbers beside it may be lengths or places, which are never refused
ROW_FORM = "it needs 'reference' (source) and 'inputs' (a list of shape and dtype)"


@dataclass(frozen=True)
class RowTests:
    """Inputs and answers, test by test. `trivial`: answers that can be had without work."""

    inputs: tuple[KernelInputs, ...]
    answers: tuple[KernelOutput, ...]
    trivial: tuple[bool, ...]


NO_TESTS = RowTests((), (), ())


def find_tests(
    context: GraderContext, rows: Mapping[str, Row], clock: BatchClock
) -> dict[str, RowTests | Grade]:
    """For each row its tests, or the grade None that says why there are none."""
    prepared = [_prepare(row, context.seed) for row in rows.values()]
    runner = Runner(get_interpreter(), _ask, SECONDS)
    return dict(zip(rows, runner.run(prepared, clock), strict=True))


@dataclass(frozen=True)
class _ReferenceJob:
    row: Row
    seed: int


def _prepare(row: Row, seed: int) -> _ReferenceJob | Grade:
    if not is_valid(row):
        return Grade(None, f"The row cannot be used: {ROW_FORM}.")
    return _ReferenceJob(row, seed)


def _ask(session: JailSession, clock: Clock, job: _ReferenceJob) -> RowTests | Grade:
    try:
        tests = draw_tests(job.row, job.seed, _find_indices(session, clock, job.row))
        choices = [inputs for choices in tests for inputs in choices]
        reports = iter(_run(session, clock, job.row, choices))
        chosen = [_choose([(inputs, next(reports)) for inputs in test]) for test in tests]
    except ValueError as error:
        return _refuse(str(error))
    inputs = tuple(drawn for drawn, _ in chosen)
    trivial = [is_trivial(answer, drawn.values) for drawn, answer in chosen]
    forgiving = [_forgive_rounding(session, clock, job, *pair) for pair in chosen]
    return RowTests(inputs, tuple(forgiving), tuple(trivial))


def _forgive_rounding(
    session: JailSession,
    clock: Clock,
    job: _ReferenceJob,
    inputs: KernelInputs,
    answer: KernelOutput,
) -> KernelOutput:
    """The answer as it is where the reference takes no float64."""
    pushed = list_pushed(inputs, job.seed)
    try:
        reports = _run(session, clock, job.row, pushed) if pushed else []
        if not reports or any(report["error"] for report in reports):
            return answer
        return with_rounding(answer, [read_answer(report) for report in reports])
    except ValueError:
        return answer


def _find_indices(session: JailSession, clock: Clock, row: Row) -> set[int]:
    """The places of the inputs whose whole numbers are indices, or may be."""
    if not (probes := make_probes(row)):
        return set()
    reports = _run(session, clock, row, [inputs for _, inputs in probes])
    return {
        place
        for (place, _), report in zip(probes, reports, strict=True)
        if report["error"] or COUNTING in row["reference"]
    }


def _run(
    session: JailSession, clock: Clock, row: Row, tests: Sequence[KernelInputs]
) -> list[Mapping[str, Any]]:
    """The reference's report for each. Raises ValueError where it could not even be asked."""
    arguments = [inputs.as_arguments() for inputs in tests]
    reply = clock.call(session, "run_reference", {"code": row["reference"], "tests": arguments})
    if reply.outcome is not Outcome.OK:
        raise ValueError(reply.detail)
    return list(reply.value)


def _refuse(why: str) -> Grade:
    return Grade(None, f"The row cannot be used: its reference failed ({why}).")


def _choose(
    answered: Sequence[tuple[KernelInputs, Mapping[str, Any]]],
) -> tuple[KernelInputs, KernelOutput]:
    """The first inputs with a finite answer, else with any. Raises ValueError if there is none."""
    found = [(inputs, read_answer(report)) for inputs, report in answered if not report["error"]]
    if not found:
        raise ValueError(str(answered[-1][1]["error"]))
    if any(not output.dtype for _, answer in found for output in answer.outputs):
        raise ValueError("it returns something else than tensors")
    return next((pair for pair in found if pair[1].is_finite), found[0])
