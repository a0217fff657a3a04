"""Run the Triton programs of completions and compile their kernels, each program once.

Cheap layers first: the syntax tree (`kernel_rules.py`), then the interpreter on CPU tensors, then,
for what was launched, the compiler as far as PTX, without a GPU. Reference, kernels and compiler
run in jailed processes of their own; inputs are drawn and answers compared on this side.

One `KernelLab` serves all entries of a reward set. It keeps examinations by code, row and seed, and
the compiler's verdicts, which do not depend on the seed, by code and launches. What a CPU cannot
see: speed, and most races between the programs of a kernel.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from rft_core.rewards.contract import Batch, Grade, Row
from rft_core.rewards.kernel_evidence import Examination, judge, judge_compilation
from rft_core.rewards.kernel_programs import (
    Launch,
    ask_to_compile,
    ask_to_run,
    get_compiler,
    get_interpreter,
)
from rft_core.rewards.kernel_reference import RowTests, find_tests
from rft_core.rewards.kernel_rules import find_violations
from rft_core.rewards.program_runs import Clock, Runner
from rft_core.rewards.triton_source import ENTRY, KernelSource, read_completion
from rft_core.rewards.workbench import Workbench
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.provider import Session

RUN_SECONDS, COMPILE_SECONDS = 3.0, 5.0  # for all tests, and all kernels, of one program
MOST_KEPT = 4096

Value = TypeVar("Value")


class RecentlyUsed(Generic[Value]):
    """A dict that forgets what has not been asked for in a long time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Value] = OrderedDict()

    def get(self, key: str) -> Value | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: str, value: Value) -> None:
        self._kept[key] = value
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


@dataclass(frozen=True)
class Candidate:
    """A completion's program and the row that it is for. Equal keys, equal examinations."""

    key: str
    row_key: str
    source: KernelSource
    row: Row


class KernelLab:
    """What the kernel graders of one scorer share. `executed`, `compiled`: in the last batch."""

    def __init__(self, workbench: Workbench) -> None:
        self.executed = self.compiled = 0
        self._workbench = workbench
        self._examined = RecentlyUsed[Examination]()
        self._tests = RecentlyUsed[RowTests]()
        self._verdicts = RecentlyUsed[list[Mapping[str, Any]]]()

    def close(self) -> None:
        """Nothing of its own is open: the pool is the workbench's."""

    def examine(
        self, batch: Batch, deadline: float, *, run_flagged: bool
    ) -> list[Examination | Grade]:
        """One for each completion; a grade where our side failed or the time was used up.

        `run_flagged`: run also what the static rules have flagged.
        """
        self.executed = self.compiled = 0
        candidates = [
            self._read(completion, row, run_flagged)
            for completion, row in zip(batch.completions, batch.rows, strict=True)
        ]
        distinct = {candidate.key: candidate for candidate in candidates}
        done: dict[str, Examination | Grade] = {
            key: found for key in distinct if (found := self._examined.get(key))
        }
        texts = {key: _examine_text(each) for key, each in distinct.items() if key not in done}
        done |= texts
        left = [
            distinct[key]
            for key, text in texts.items()
            if not text.problem and (run_flagged or not text.flags)
        ]
        tests = self._find_tests(left, deadline)
        done |= self._run(left, texts, tests, deadline)
        done |= self._compile(left, done, tests, deadline, run_flagged)
        for key in texts:
            if isinstance(examination := done[key], Examination):
                self._examined.put(key, examination)
        return [done[candidate.key] for candidate in candidates]

    def _read(self, completion: str, row: Row, run_flagged: bool) -> Candidate:
        source = read_completion(completion)
        row_text = json.dumps([row.get("reference"), row.get("inputs")], default=repr)
        row_key = _hash(row_text, str(self._workbench.seed))
        key = _hash(source.problem, source.code, row_key, str(run_flagged))
        return Candidate(key, row_key, source, row)

    def _find_tests(
        self, candidates: Sequence[Candidate], deadline: float
    ) -> dict[str, RowTests | Grade]:
        rows = {each.row_key: each.row for each in candidates}
        done: dict[str, RowTests | Grade] = {
            key: found for key in rows if (found := self._tests.get(key))
        }
        missing = {key: row for key, row in rows.items() if key not in done}
        for key, answer in find_tests(self._workbench, missing, deadline).items():
            done[key] = answer
            if isinstance(answer, RowTests):
                self._tests.put(key, answer)
        return done

    def _run(
        self,
        candidates: Sequence[Candidate],
        texts: Mapping[str, Examination],
        tests: Mapping[str, RowTests | Grade],
        deadline: float,
    ) -> dict[str, Examination | Grade]:
        """The interpreter's part; the flags are those of the text and those of the run."""
        prepared = [_prepare(each, tests[each.row_key]) for each in candidates]
        runner = Runner(get_interpreter(), _run, RUN_SECONDS)
        done: dict[str, Examination | Grade] = {}
        results = runner.run(self._workbench.pool, prepared, deadline)
        for each, result in zip(candidates, results, strict=True):
            done[each.key] = result
            if isinstance(result, Examination):
                self.executed += 1
                flags = {**texts[each.key].flags, **result.flags}
                done[each.key] = replace(result, flags=flags)
        return done

    def _compile(
        self,
        candidates: Sequence[Candidate],
        ran: Mapping[str, Examination | Grade],
        tests: Mapping[str, RowTests | Grade],
        deadline: float,
        run_flagged: bool,
    ) -> dict[str, Examination | Grade]:
        """The compiler's part, for what has launched a kernel."""
        jobs: dict[str, _CompilerJob] = {}
        for each in candidates:
            examined = ran[each.key]
            if isinstance(examined, Grade) or not examined.launches:
                continue
            if run_flagged or not examined.flags:
                jobs[each.key] = _CompilerJob(each.source.code, examined.launches)
        missing = {job.key: job for job in jobs.values() if not self._verdicts.get(job.key)}
        runner = Runner(get_compiler(), _compile, COMPILE_SECONDS)
        answers = runner.run(self._workbench.pool, list(missing.values()), deadline)
        verdicts = dict(zip(missing, answers, strict=True))
        for key, verdict in verdicts.items():
            if not isinstance(verdict, Grade):
                self.compiled += 1
                self._verdicts.put(key, verdict)
        done: dict[str, Examination | Grade] = {}
        for each in candidates:
            if each.key in jobs:
                job_key = jobs[each.key].key
                verdict = verdicts.get(job_key) or self._verdicts.get(job_key) or []
                done[each.key] = _add_verdict(ran[each.key], verdict, tests[each.row_key])
        return done


@dataclass(frozen=True)
class _Job:
    code: str
    tests: RowTests


@dataclass(frozen=True)
class _CompilerJob:
    code: str
    launches: tuple[Launch, ...]

    @property
    def key(self) -> str:
        return _hash(self.code, json.dumps(self.launches))


def _examine_text(candidate: Candidate) -> Examination:
    """What the text alone says."""
    source = candidate.source
    if source.problem:
        return Examination(source.problem, dict.fromkeys(source.flags, source.problem))
    findings = find_violations(source, candidate.row)
    flags = {finding.flag: str(finding) for finding in reversed(findings)}
    problem = "" if source.entry else f"It defines no function {ENTRY}."
    return Examination(problem, flags)


def _prepare(candidate: Candidate, tests: RowTests | Grade) -> _Job | Grade:
    return tests if isinstance(tests, Grade) else _Job(candidate.source.code, tests)


def _run(session: Session, clock: Clock, job: _Job) -> Examination:
    reply = ask_to_run(session, clock, job.code, job.tests.inputs)
    flags = {f"blocked_{what}": f"It tried to reach the {what}." for what in reply.blocked}
    error = reply.detail or "it gave no report"
    if reply.outcome is Outcome.OK:
        try:
            examination = judge(reply.value, job.tests)
            return replace(examination, flags={**flags, **examination.flags})
        except ValueError as problem:
            error = str(problem)
    return Examination(flags=flags, total=len(job.tests.inputs), errors=(error,))


def _compile(session: Session, clock: Clock, job: _CompilerJob) -> list[Mapping[str, Any]]:
    return ask_to_compile(session, clock, job.code, job.launches)


def _add_verdict(
    examination: Examination | Grade,
    verdict: Sequence[Mapping[str, Any]] | Grade,
    tests: RowTests | Grade,
) -> Examination | Grade:
    if isinstance(verdict, Grade):
        return verdict
    assert isinstance(examination, Examination)
    assert isinstance(tests, RowTests)
    errors, flags = judge_compilation(examination, verdict, tests)
    return replace(examination, compile_errors=errors, flags={**examination.flags, **flags})


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
