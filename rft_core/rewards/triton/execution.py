"""Run the Triton programs of completions and compile their kernels, each program once.

Cheap layers first: the syntax tree (`reading`), then the interpreter on CPU tensors, then,
for what was launched, the compiler as far as PTX, without a GPU. Reference, kernels and compiler
run in jailed processes of their own; inputs are drawn and answers compared on this side.

One `KernelLab` serves all entries of a reward set: it keeps examinations by code, row and seed.
What a CPU cannot see: speed, and most races between the programs of a kernel.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rft_core.rewards.code.runs import BatchClock, Clock, Runner
from rft_core.rewards.contract import Batch, Grade
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.triton.compilation import KernelCompiler, make_job
from rft_core.rewards.triton.evidence import Examination, judge, judge_compilation
from rft_core.rewards.triton.programs import ask_to_run, get_interpreter
from rft_core.rewards.triton.reading import find_violations
from rft_core.rewards.triton.recently_used import RecentlyUsed
from rft_core.rewards.triton.reference import NO_TESTS, RowTests, find_tests
from rft_core.rewards.triton.source import ENTRY, KernelSource, read_completion
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.session import JailSession
from rft_core.types import Row


@dataclass
class _KernelCase:
    """A program on its way through the layers; it leaves where our side has a `failure`."""

    source: KernelSource
    row: Row
    row_key: str
    run_flagged: bool
    seen: Examination
    tests: RowTests = NO_TESTS
    failure: Grade | None = None

    @property
    def goes_on(self) -> bool:
        if self.failure or self.seen.problem:
            return False
        return self.run_flagged or not self.seen.flags

    def add(self, later: Examination | Grade) -> None:
        """What the next layer saw; flags stay."""
        if isinstance(later, Grade):
            self.failure = later
        else:
            self.seen = replace(later, flags={**self.seen.flags, **later.flags})


class KernelLab:
    """What the kernel graders of one scorer share. `executed`, `compiled`: in the last batch."""

    def __init__(self, context: GraderContext) -> None:
        self.executed = 0
        self._context = context
        self._compiler = KernelCompiler(context)
        self._tests = RecentlyUsed[str, RowTests]()
        self._examined = RecentlyUsed[str, Examination]()

    @property
    def compiled(self) -> int:
        return self._compiler.asked

    def close(self) -> None:
        """Nothing of its own is open: the pool is the context's."""

    def examine(
        self, batch: Batch, clock: BatchClock, *, run_flagged: bool, seconds: float
    ) -> list[Examination | Grade]:
        """One for each completion; a grade where our side failed or the time was used up.

        `run_flagged`: run and compile also what has a flag already. `seconds` are for all tests of
        a program, and as many for its compilation.
        """
        self.executed = self._compiler.asked = 0
        known: dict[str, Examination | Grade] = {}
        cases: dict[str, _KernelCase] = {}
        keys = []
        for completion, row in zip(batch.completions, batch.rows, strict=True):
            source = read_completion(completion)
            row_key = self._row_key(row)
            key = _hash(source.problem, source.code, row_key, f"{run_flagged} {seconds}")
            keys.append(key)
            if examination := self._examined.get(key):
                known[key] = examination
            elif key not in cases:
                seen = examine_text(source, row)
                cases[key] = _KernelCase(source, row, row_key, run_flagged, seen)
        self._examine(list(cases.values()), clock, seconds)
        for key, case in cases.items():
            known[key] = case.failure or case.seen
            if not case.failure:
                self._examined.put(key, case.seen)
        return [known[key] for key in keys]

    def _row_key(self, row: Row) -> str:
        text = json.dumps([row.get("reference"), row.get("inputs")], default=repr)
        return _hash(text, str(self._context.seed))

    def _examine(self, cases: Sequence[_KernelCase], clock: BatchClock, seconds: float) -> None:
        """Layer by layer; each works on what the one before let through."""
        self._find_tests([case for case in cases if case.goes_on], clock)
        self._run([case for case in cases if case.goes_on], clock, seconds)
        launched = [case for case in cases if case.goes_on and case.seen.launches]
        self._compile(launched, clock, seconds)

    def _find_tests(self, cases: Sequence[_KernelCase], clock: BatchClock) -> None:
        rows = {case.row_key: case.row for case in cases}
        missing = {key: row for key, row in rows.items() if not self._tests.get(key)}
        found = find_tests(self._context, missing, clock)
        for key, tests in found.items():
            if isinstance(tests, RowTests):
                self._tests.put(key, tests)
        for case in cases:
            answer = found.get(case.row_key) or self._tests.get(case.row_key)
            if isinstance(answer, Grade):
                case.failure = answer
            elif answer:
                case.tests = answer

    def _run(self, cases: Sequence[_KernelCase], clock: BatchClock, seconds: float) -> None:
        runner = Runner(get_interpreter(), _run, seconds)
        results = runner.run(cases, clock)
        for case, seen in zip(cases, results, strict=True):
            case.add(seen)
            self.executed += isinstance(seen, Examination)

    def _compile(self, cases: Sequence[_KernelCase], clock: BatchClock, seconds: float) -> None:
        jobs = [make_job(case.source, case.seen.launches) for case in cases]
        verdicts = self._compiler.find_verdicts(jobs, clock, seconds)
        for case, job in zip(cases, jobs, strict=True):
            verdict = verdicts[job]
            if isinstance(verdict, Grade):
                case.failure = verdict
            else:
                case.add(judge_compilation(case.seen, verdict, case.tests))


def examine_text(source: KernelSource, row: Row) -> Examination:
    """What the text alone says."""
    if source.problem:
        return Examination(source.problem, dict.fromkeys(source.flags, source.problem))
    findings = find_violations(source, row)
    flags = {finding.flag: str(finding) for finding in reversed(findings)}
    return Examination("" if source.entry else f"It defines no function {ENTRY}.", flags)


def _run(session: JailSession, clock: Clock, case: _KernelCase) -> Examination:
    """The interpreter's part."""
    reply = ask_to_run(session, clock, case.source.code, case.tests.inputs)
    flags = {f"blocked_{what}": f"It tried to reach the {what}." for what in reply.blocked}
    error = reply.detail or "it gave no report"
    if reply.outcome is Outcome.OK:
        try:
            examination = judge(reply.value, case.tests)
            return replace(examination, flags={**flags, **examination.flags})
        except ValueError as problem:
            error = str(problem)
    return Examination(flags=flags, total=len(case.tests.inputs), errors=(error,))


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
