"""P-CoT: the completion's Python program is run, and its answer compared with the gold number.

The answer is what the program's `solution()` returns, if it takes nothing and returns something,
else its variable `answer` (or `ans`), else the last line that it prints. It must be one number, or
text that `numeric_match` would read as one. Where it is not whole, it may be off by a billionth,
since 0.1 + 0.2 is not 0.3; a whole number may be off by `tolerance` alone. Any other number earns
`partial`.
Source: ReFT (arXiv 2401.08967), after Program of Thoughts (arXiv 2211.12588).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from rft_core.rewards.answers.matching import gold_number
from rft_core.rewards.answers.number_text import LARGEST_EXPONENT, parse_number, show_number
from rft_core.rewards.code.runs import (
    PROGRAM_PLACE,
    SECONDS,
    BatchClock,
    Clock,
    ProgramGrader,
    grade_blocked,
    import_libraries,
    make_report,
)
from rft_core.rewards.code.value_comparison import show
from rft_core.rewards.contract import Batch, FunctionReport, Grade
from rft_core.rewards.grader_info import COLUMN, PARTIAL, TOLERANCE, GraderInfo
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.session import JailReply, JailSession
from rft_core.types import Row

ROUNDING = Fraction(1, 10**9)  # relative above 1


@dataclass(frozen=True)
class _AnswerJob:
    source: str
    gold: Fraction


class ProgramAnswer(ProgramGrader):
    """One entry's grader, for whole batches."""

    options = (COLUMN, PROGRAM_PLACE, SECONDS, TOLERANCE, PARTIAL)
    program = "program_answer"

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]:
        """Every completion's program, run once."""
        start = time.monotonic()
        samples = zip(batch.completions, batch.rows, strict=True)
        prepared = [self._prepare(completion, row) for completion, row in samples]
        grades = self._run(prepared, self._ask, BatchClock(timeout))
        grades = [replace(grade, answer=grade.answer or "") for grade in grades]
        return grades, make_report(self._name, start, grades, {})

    def _prepare(self, completion: str, row: Row) -> _AnswerJob | Grade:
        gold = gold_number(row, self._options["column"])
        if gold is None:
            return Grade(None, f"The row's '{self._options['column']}' is not a number.")
        program = self._find_program(completion)
        return program if isinstance(program, Grade) else _AnswerJob(program, gold)

    def _ask(self, session: JailSession, clock: Clock, job: _AnswerJob) -> Grade:
        import_libraries(session, job.source)
        reply = clock.call(session, "run", {"source": job.source})
        if reply.blocked:
            return grade_blocked(reply.blocked)
        if reply.outcome is not Outcome.OK:
            return Grade(0.0, f"The program failed: {reply.detail}.")
        answer = _read_answer(reply)
        value = read_number(answer)
        if value is None:
            return Grade(0.0, f"The program's answer is {show(answer)}, which is not one number.")
        allowed = Fraction(self._options["tolerance"])
        if value.denominator != 1:
            allowed = max(allowed, ROUNDING * max(Fraction(1), abs(job.gold)))
        if abs(value - job.gold) > allowed:
            wanted = show_number(job.gold)
            why = f"The program's answer is {show(answer)}, not {wanted}."
            return Grade(self._options["partial"], why, answer=str(value))
        shown = show_number(job.gold)
        return Grade(1.0, f"The program's answer is {shown}.", answer=str(job.gold))


def _read_answer(reply: JailReply) -> Any:
    """The value it names, or the last line that it printed."""
    if isinstance(reply.value, dict) and "answer" in reply.value:
        return reply.value["answer"]
    lines = reply.stdout.strip().splitlines()
    return lines[-1] if lines else None


def read_number(answer: Any) -> Fraction | None:
    """The exact value of a number, or of text that states one; None for anything else."""
    if isinstance(answer, np.ndarray) and answer.ndim == 0:
        answer = answer.item()
    if isinstance(answer, str):
        return parse_number(answer)
    if isinstance(answer, float):
        return Fraction(answer) if math.isfinite(answer) else None
    if isinstance(answer, Decimal):
        is_small = answer.is_finite() and abs(answer.adjusted()) <= LARGEST_EXPONENT
        return Fraction(answer) if is_small else None  # 1E+999999999 would take all memory
    return Fraction(answer) if type(answer) in (int, Fraction) else None


PROGRAM_ANSWER = GraderInfo(
    "program_answer",
    None,
    "1 if the completion's program computes the gold number.",
    ProgramAnswer.options,
    open=ProgramAnswer,
    runs_code=True,
)
