"""Unit tests: a completion's function gets the arguments of each test, and we compare the result.

Each completion has a jailed process of its own. It never holds an expected value, and gets the
arguments of one test at a time, as fresh copies. What it returns comes back as plain data of exact
types (see `value_comparison.py`), so what claims to equal everything equals nothing. A test is
`[arguments, expected]`, or a line `assert f(1, 2) == 3`.

Where a row has a `reference` (source that defines the same function) and `inputs` (see
`random_inputs.py`), further cases are drawn at random, other ones at each step, and run through
the reference, in a process of its own too. They count as hidden.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.code.assert_lines import AssertLine, Relation, read_assert
from rft_core.rewards.code.cases import (
    PARTIAL,
    Case,
    CaseResults,
    grade_results,
    put_to_cases,
    read_cases,
    read_pair,
)
from rft_core.rewards.code.python_tests import (
    HUMAN_EVALS_NAME,
    Bench,
    PythonTest,
    UnfitTestError,
    find_function,
    read_python_test,
)
from rft_core.rewards.code.random_inputs import draw_input
from rft_core.rewards.code.runs import (
    PROGRAM_PLACE,
    SECONDS,
    BatchClock,
    Clock,
    ProgramGrader,
    import_libraries,
)
from rft_core.rewards.code.value_comparison import TOLERANCE, find_broken, find_difference
from rft_core.rewards.contract import Batch, FunctionReport, Grade
from rft_core.rewards.grader_info import GraderInfo, GraderOption
from rft_core.sandbox.inside.values import Opaque, encode
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.server_kind import choose_kind
from rft_core.sandbox.servers import open_session
from rft_core.sandbox.session import JailReply, JailSession, get_program
from rft_core.types import Row


@dataclass(frozen=True)
class _UnitTestJob:
    """A program, the function to call, and the cases to call it with."""

    source: str
    entry_point: str
    cases: tuple[Case, ...]


class UnitTests(ProgramGrader):
    """One entry's grader, for whole batches."""

    options = (
        PROGRAM_PLACE,
        PARTIAL,
        SECONDS,
        GraderOption("tolerance", "float", TOLERANCE, "How far a float may be off.", minimum=0),
        GraderOption(
            "random_cases",
            "int",
            4,
            "Cases drawn for rows with a 'reference' and 'inputs'.",
            minimum=0,
        ),
    )
    program = "unit_tests"

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]:
        """Every completion's program, put to the cases of its row."""
        start = time.monotonic()
        clock = BatchClock(timeout)
        drawn = self._draw_cases(batch, clock)
        prepared = [
            self._prepare(completion, row, drawn.get(_reference_key(row), ()))
            for completion, row in zip(batch.completions, batch.rows, strict=True)
        ]
        results = self._run(prepared, self._ask, clock)
        return grade_results(self._name, results, start, partial=self._options["partial"])

    def _prepare(
        self, completion: str, row: Row, drawn: tuple[Case, ...] | Grade
    ) -> _UnitTestJob | Grade:
        if isinstance(drawn, Grade):
            return drawn
        try:
            entry_point = read_entry_point(row)
            cases = (*read_unit_tests(row, entry_point), *drawn)
        except ValueError as error:
            return Grade(None, f"The row cannot be used: {error}.")
        if not cases:
            return Grade(None, "The row has no tests.")
        program = self._find_program(completion, entry_point)
        return program if isinstance(program, Grade) else _UnitTestJob(program, entry_point, cases)

    def _ask(self, session: JailSession, clock: Clock, job: _UnitTestJob) -> CaseResults | Grade:
        loaded = _load(session, clock, job)
        if loaded.outcome is not Outcome.OK:
            count = len(job.cases)
            return CaseResults(job.cases, [loaded.detail] * count, [True] * count, loaded.blocked)
        try:
            with self._open_bench(job) as bench:
                return put_to_cases(
                    job.cases,
                    lambda case: _put(session, clock, job, case, bench),
                    self._judge,
                    blocked=loaded.blocked,
                )
        except UnfitTestError as error:
            return Grade(
                None, f"The row cannot be used: a test says nothing of a program: {error}."
            )

    @contextmanager
    def _open_bench(self, job: _UnitTestJob) -> Iterator[Bench | None]:
        """Where tests have to be run, a process for them."""
        tests = [case.given for case in job.cases if isinstance(case.given, PythonTest)]
        if not tests:
            yield None
            return
        kind = choose_kind("\n".join([tests[0].reference, *(test.text for test in tests)]))
        with open_session(get_program("python_test", kind)) as session:
            yield Bench(session, job.entry_point, self._context.seed, self._options["seconds"])

    def _judge(self, case: Case, reply: JailReply) -> str | None:
        tolerance = self._options["tolerance"]
        if isinstance(case.given, PythonTest):
            return str(reply.value) if reply.value is not None else None
        if not isinstance(case.expected, AssertLine):
            return find_difference(case.expected, reply.value, tolerance)
        if case.expected.relation is not Relation.HAS_TRUTH:
            return find_broken(case.expected, reply.value, tolerance=tolerance)
        answer = reply.value if isinstance(reply.value, dict) else {}
        given = answer.get("value", answer.get("items"))
        return find_broken(case.expected, given, answer.get("truth"), tolerance)

    def _draw_cases(self, batch: Batch, clock: BatchClock) -> dict[str, tuple[Case, ...] | Grade]:
        """Random cases for every different reference among the rows, by `_reference_key`."""
        rows = {key: row for row in batch.rows if (key := _reference_key(row))}
        if not self._options["random_cases"]:
            return {}
        jobs = [self._prepare_reference(key, row) for key, row in rows.items()]
        answers = self._run(jobs, _ask_reference, clock)
        return dict(zip(rows, answers, strict=True))

    def _prepare_reference(self, key: str, row: Row) -> _UnitTestJob | Grade:
        rng = random.Random(f"{self._context.seed} {key}")
        try:
            drawn = [
                [draw_input(rng, spec) for spec in row["inputs"]]
                for _ in range(self._options["random_cases"])
            ]
            cases = tuple(Case(arguments, None, is_hidden=True) for arguments in drawn)
            return _UnitTestJob(row["reference"], read_entry_point(row), cases)
        except (ValueError, TypeError) as error:
            return Grade(None, f"The row's 'inputs' cannot be used: {error}.")


def read_entry_point(row: Row) -> str:
    """The name of the function; where the row has none, the one that its first test calls."""
    name = row.get("entry_point")
    if name is None:
        texts = [test for test in row.get("tests") or [] if isinstance(test, str)]
        name = _find_function(texts[0], row) if texts else None
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError("'entry_point' is not the name of a function")
    return name


def _find_function(text: str, row: Row) -> str | None:
    try:
        return read_assert(text).function
    except ValueError:
        return find_function(text, _read_reference(row))


def read_unit_tests(row: Row, entry_point: str) -> list[Case]:
    """The tests of a row, visible and hidden. Raises `ValueError`."""

    def read(test: Any) -> tuple[Any, Any]:
        if isinstance(test, str):
            return _read_text(test, entry_point, _read_reference(row))
        arguments, expected = read_pair(test)
        _check_arguments(arguments)
        encoded = encode(expected)
        if isinstance(encoded, dict) and "opaque" in encoded:
            raise ValueError(f"what it expects is {encoded['opaque']}")
        return arguments, expected

    return read_cases(row, read)


def _read_text(text: str, entry_point: str, reference: str) -> tuple[Any, Any]:
    try:
        line = read_assert(text)
    except ValueError as error:
        try:
            return read_python_test(text, entry_point, reference), None
        except ValueError as problem:
            raise ValueError(f"{error}, and cannot be run: {problem}") from problem
    if line.function not in (entry_point, HUMAN_EVALS_NAME):
        raise ValueError(f"it calls '{line.function}', not '{entry_point}'")
    _check_arguments(line.arguments)
    return line.arguments, line


def _check_arguments(arguments: Any) -> None:
    if not isinstance(arguments, list) or not isinstance(encode(arguments), list):
        raise ValueError("its arguments are not a list, or too large")


def _read_reference(row: Row) -> str:
    reference = row.get("reference")
    return reference if isinstance(reference, str) else ""


def _reference_key(row: Row) -> str:
    """What decides the random cases of a row; empty where there are none."""
    inputs = row.get("inputs")
    if not isinstance(row.get("reference"), str) or not isinstance(inputs, list) or not inputs:
        return ""
    return json.dumps([row["reference"], row["inputs"], row.get("entry_point")], sort_keys=True)


def _load(session: JailSession, clock: Clock, job: _UnitTestJob) -> JailReply:
    import_libraries(session, job.source)
    arguments = {"source": job.source, "entry_point": job.entry_point}
    return clock.call(session, "load", arguments)


def _put(
    session: JailSession, clock: Clock, job: _UnitTestJob, case: Case, bench: Bench | None
) -> JailReply:
    """The program's reply to one case."""
    if bench and isinstance(case.given, PythonTest):
        return bench.put(case.given, session, clock)
    if isinstance(case.expected, AssertLine) and case.expected.relation is Relation.HAS_TRUTH:
        arguments = {"entry_point": job.entry_point, "arguments": case.given, "keywords": {}}
        return clock.call(session, "call", arguments)
    return _run(session, clock, job, case)


def _run(session: JailSession, clock: Clock, job: _UnitTestJob, case: Case) -> JailReply:
    arguments = {"entry_point": job.entry_point, "arguments": case.given}
    return clock.call(session, "run", arguments)


def _ask_reference(
    session: JailSession, clock: Clock, job: _UnitTestJob
) -> tuple[Case, ...] | Grade:
    """The cases with what the reference gives; where it gives nothing, there is no case."""
    reply = _load(session, clock, job)
    cases = []
    for case in job.cases if reply.outcome is Outcome.OK else ():
        reply = _run(session, clock, job, case)
        if reply.outcome is Outcome.OK and not isinstance(reply.value, Opaque):
            cases.append(Case(case.given, reply.value, is_hidden=True))
    if not cases:
        return Grade(None, f"The row's 'reference' gives no result: {reply.detail}.")
    return tuple(cases)


UNIT_TESTS = GraderInfo(
    "unit_tests",
    None,
    "1 if the completion's function passes every test of the row, visible, hidden and random.",
    UnitTests.options,
    open=UnitTests,
    runs_code=True,
)
