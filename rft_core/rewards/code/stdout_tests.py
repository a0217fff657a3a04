"""Output tests: a completion's program is run on each test's input, and what it prints compared.

A test is `[stdin, expected]`, both texts. The rule for white space: at the end of a line, and empty
lines at the end of the output, do not count; everything else does. So printing more than is wanted,
such as every plausible answer, fails. Output is kept up to 64 KiB; longer output is no match, and
a test that expects more cannot be used.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.code.cases import (
    PARTIAL,
    Case,
    CaseResults,
    grade_results,
    put_to_cases,
    read_cases,
    read_pair,
)
from rft_core.rewards.code.runs import (
    PROGRAM_PLACE,
    SECONDS,
    BatchClock,
    Clock,
    ProgramGrader,
    import_libraries,
)
from rft_core.rewards.code.value_comparison import show
from rft_core.rewards.contract import Batch, FunctionReport, Grade
from rft_core.rewards.grader_info import GraderInfo
from rft_core.sandbox.pipes import KEPT_OUTPUT
from rft_core.sandbox.session import JailReply, JailSession
from rft_core.types import Row


@dataclass(frozen=True)
class _StdoutJob:
    source: str
    cases: tuple[Case, ...]


class StdoutTests(ProgramGrader):
    """One entry's grader, for whole batches."""

    options = (PROGRAM_PLACE, PARTIAL, SECONDS)
    program = "stdout_tests"

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]:
        """Every completion's program, run on the inputs of its row."""
        start = time.monotonic()
        samples = zip(batch.completions, batch.rows, strict=True)
        prepared = [self._prepare(completion, row) for completion, row in samples]
        results = self._run(prepared, _ask, BatchClock(timeout))
        return grade_results(self._name, results, start, partial=self._options["partial"])

    def _prepare(self, completion: str, row: Row) -> _StdoutJob | Grade:
        try:
            cases = tuple(read_cases(row, _read_test))
        except ValueError as error:
            return Grade(None, f"The row cannot be used: {error}.")
        if not cases:
            return Grade(None, "The row has no tests.")
        program = self._find_program(completion)
        return program if isinstance(program, Grade) else _StdoutJob(program, cases)


def _read_test(test: Any) -> tuple[str, str]:
    given, expected = read_pair(test)
    if not isinstance(given, str) or not isinstance(expected, str):
        raise ValueError("its input and its output are not both texts")
    size = len("\n".join(normalise_output(expected)).encode("utf-8", "surrogatepass"))
    if size > KEPT_OUTPUT:  # of what a program prints no more is kept
        raise ValueError(
            f"its output has {size:,} bytes, and at most {KEPT_OUTPUT:,} can be compared"
        )
    return given, expected


def _ask(session: JailSession, clock: Clock, job: _StdoutJob) -> CaseResults:
    def ask(case: Case) -> JailReply:
        return clock.call(session, "run", {"source": job.source, "stdin": case.given})

    import_libraries(session, job.source)
    return put_to_cases(job.cases, ask, _judge)


def _judge(case: Case, reply: JailReply) -> str | None:
    printed, wanted = normalise_output(reply.stdout), normalise_output(case.expected)
    if printed == wanted:
        return None
    pairs = zip([*printed, None], [*wanted, None], strict=False)
    line, given = next((n, p) for n, (p, w) in enumerate(pairs, start=1) if p != w)
    if given is None:
        return f"it prints {len(printed)} lines of {len(wanted)}"
    wanted_line = show(wanted[line - 1]) if line <= len(wanted) else "nothing more"
    return f"line {line} is {show(given)}, not {wanted_line}"


def normalise_output(text: str) -> list[str]:
    """The lines that are compared."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


STDOUT_TESTS = GraderInfo(
    "stdout_tests",
    None,
    "1 if the completion's program prints what every test of the row expects.",
    StdoutTests.options,
    open=StdoutTests,
    runs_code=True,
)
