"""The tests of a row, and what a program that was put to them has earned.

A row's `tests` may be shown in the prompt; its `hidden_tests` are not, and random cases never can
be. A program that passes all it could see and fails most of the others was made for what it saw:
it is flagged `hard_coded` and earns nothing. That is judged by wrong results alone: a right program
may be too slow, or need too much memory or too deep a recursion, for a test that it could not see.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.code.runs import grade_blocked, make_report
from rft_core.rewards.contract import FunctionReport, Grade
from rft_core.rewards.grader_info import GraderOption
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.session import JailReply
from rft_core.types import Row

MOST_CASES = 1000
HARD_CODED_BELOW = 0.5  # the share of hidden cases passed
HARD_CODED = "hard_coded"
TOO_SLOW_OR_LARGE = (Outcome.TIMEOUT, Outcome.OOM)
TOO_DEEP = "RecursionError"
PARTIAL = GraderOption("partial", "bool", False, "Pay the share of the tests that were passed.")


@dataclass(frozen=True)
class Case:
    """One test: what the program gets, and what it must give."""

    given: Any
    expected: Any
    is_hidden: bool = False


ReadCase = Callable[[Any], tuple[Any, Any]]


def read_cases(row: Row, read: ReadCase) -> list[Case]:
    """All tests of a row. Raises `ValueError` that names the test that cannot be used."""
    cases = []
    for column, is_hidden in (("tests", False), ("hidden_tests", True)):
        for number, test in enumerate(_read_list(row, column), start=1):
            try:
                cases.append(Case(*read(test), is_hidden))
            except ValueError as error:
                raise ValueError(f"test {number} of '{column}' cannot be used: {error}") from error
    if len(cases) > MOST_CASES:
        raise ValueError(f"there are more than {MOST_CASES:,} tests")
    return cases


def read_pair(test: Any) -> tuple[Any, Any]:
    if not isinstance(test, list | tuple) or len(test) != 2:
        raise ValueError(f"{test!r:.60} is not a pair of what is given and what is expected")
    return test[0], test[1]


def _read_list(row: Row, column: str) -> Sequence[Any]:
    tests = row.get(column)
    if isinstance(tests, str):  # from a CSV file
        try:
            tests = json.loads(tests)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"'{column}' is not a list") from error
    if tests is not None and not isinstance(tests, list | tuple):
        raise ValueError(f"'{column}' is not a list")
    return tests or []


@dataclass(frozen=True)
class CaseResults:
    """What each case showed: None where the program passed, else what was wrong, in words.

    Where a case is not `judged` it is not known what the program makes of it.
    """

    cases: Sequence[Case]
    problems: Sequence[str | None]
    judged: Sequence[bool]
    blocked: tuple[str, ...] = ()

    def share(self, *, hidden: bool) -> float | None:
        """The share passed of the hidden or the visible cases that were judged; None without."""
        passed = [
            problem is None
            for case, problem, known in zip(self.cases, self.problems, self.judged, strict=True)
            if known and case.is_hidden == hidden
        ]
        return sum(passed) / len(passed) if passed else None

    @property
    def is_proven(self) -> bool:
        """Was a case passed that could not be known, if there is one?"""
        hidden = [p for case, p in zip(self.cases, self.problems, strict=True) if case.is_hidden]
        return None in hidden or not hidden

    @property
    def is_hard_coded(self) -> bool:
        visible, hidden = self.share(hidden=False), self.share(hidden=True)
        return visible == 1.0 and hidden is not None and hidden < HARD_CODED_BELOW


def grade_case_results(results: CaseResults, *, partial: bool) -> Grade:
    """1 if every case was passed; with `partial` the share of them. A caught trick earns 0.

    What passes visible cases alone may know them by heart: a share takes a hidden one, too.
    """
    if results.blocked:
        return grade_blocked(results.blocked)
    passed, count = sum(problem is None for problem in results.problems), len(results.problems)
    if not count:
        return Grade(None, "The row has no tests.")
    if passed == count:
        return Grade(1.0, f"It passes all {count} tests." if count > 1 else "It passes the test.")
    reason = f"It passes {passed} of {count} tests; {_describe_first(results)}"
    if results.is_hard_coded:
        reason = f"It passes every test that it can see and few others. {reason}"
        return Grade(0.0, reason, (HARD_CODED,))
    return Grade(passed / count if partial and results.is_proven else 0.0, reason)


def _describe_first(results: CaseResults) -> str:
    for number, problem in enumerate(results.problems, start=1):
        if problem:
            kind = "hidden test" if results.cases[number - 1].is_hidden else "test"
            return f"{kind} {number}: {problem}."
    return ""


def list_metrics(results: Iterable[CaseResults]) -> dict[str, float]:
    """Mean shares over a batch: "visible", "hidden" and their "gap"; {} without either kind.

    Of programs that were judged by both kinds: only those say something of the gap.
    """
    shares = [(v.share(hidden=False), v.share(hidden=True)) for v in results]
    both = [(visible, hidden) for visible, hidden in shares if None not in (visible, hidden)]
    if not both:
        return {}
    visible, hidden = (math.fsum(column) / len(both) for column in zip(*both, strict=True))
    return {"visible": visible, "hidden": hidden, "gap": visible - hidden}


def put_to_cases(
    cases: Sequence[Case],
    ask: Callable[[Case], JailReply],
    judge: Callable[[Case, JailReply], str | None],
    blocked: Iterable[str] = (),
) -> CaseResults:
    """Ask for one case after the other, up to the first that ends the program's process."""
    problems: list[str | None] = []
    judged: list[bool] = []
    tried = dict.fromkeys(blocked)
    for case in cases:
        reply = ask(case)
        ran = reply.outcome is Outcome.OK
        problems.append(judge(case, reply) if ran else reply.detail)
        judged.append(not _is_exhausted(reply))
        tried |= dict.fromkeys(reply.blocked)
        if reply.is_last:
            break
    left = len(cases) - len(problems)
    problems, judged = [*problems, *["it was not run"] * left], [*judged, *[False] * left]
    return CaseResults(cases, problems, judged, tuple(tried))


def _is_exhausted(reply: JailReply) -> bool:
    is_deep = reply.outcome is Outcome.CANDIDATE_ERROR and reply.detail.startswith(TOO_DEEP)
    return is_deep or reply.outcome in TOO_SLOW_OR_LARGE


def grade_results(
    name: str, results: Sequence[CaseResults | Grade], start: float, *, partial: bool
) -> tuple[list[Grade], FunctionReport]:
    """The grades of a batch that was begun at `start`, and the report with its metrics."""
    grades = [
        one if isinstance(one, Grade) else grade_case_results(one, partial=partial)
        for one in results
    ]
    metrics = list_metrics([one for one in results if isinstance(one, CaseResults)])
    return grades, make_report(name, start, grades, metrics)
