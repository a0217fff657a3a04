"""Compile kernels as far as PTX in jailed processes, each set of kernels and launches once.

Only what the kernels need is sent: many completions differ in their host code alone, and those
share a verdict, also across steps.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.code.runs import BatchClock, Clock, Runner
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.triton.programs import Launch, ask_to_compile, get_compiler
from rft_core.rewards.triton.recently_used import RecentlyUsed
from rft_core.rewards.triton.source import KernelSource
from rft_core.sandbox.session import JailSession

CompilerReport = Sequence[Mapping[str, Any]]  # for each launch {"error", "reads", "writes"}


@dataclass(frozen=True)
class CompilerJob:
    """Kernels' source and how they were launched (JSON). Equal jobs, equal verdicts."""

    code: str
    launches: str


def make_job(source: KernelSource, launches: Sequence[Launch]) -> CompilerJob:
    return CompilerJob(without_hosts(source), json.dumps(launches, sort_keys=True))


def without_hosts(source: KernelSource) -> str:
    """The code, its host functions blanked out, unless something outside of them needs them."""
    hosts: list[ast.FunctionDef | ast.ClassDef] = [
        *source.hosts.values(),
        *source.wrappers.values(),
    ]
    others = [node for node in source.tree.body if node not in hosts]
    names = {n.id for node in others for n in ast.walk(node) if isinstance(n, ast.Name)}
    if names & source.hosts.keys():
        return source.code
    lines = source.code.splitlines()
    for host in hosts:
        first = min([host.lineno, *(node.lineno for node in host.decorator_list)])
        last = host.end_lineno or first
        lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(lines).rstrip() + "\n"


class KernelCompiler:
    """`asked`: how many programs the compiler has seen since the lab last reset it."""

    def __init__(self, context: GraderContext) -> None:
        self.asked = 0
        self._context = context
        self._verdicts = RecentlyUsed[CompilerJob, CompilerReport]()

    def find_verdicts(
        self, jobs: Sequence[CompilerJob], clock: BatchClock, seconds: float
    ) -> dict[CompilerJob, CompilerReport | Grade]:
        """For each job what the compiler said, in `seconds`, or a grade where our side failed."""
        found: dict[CompilerJob, CompilerReport | Grade] = {}
        for job in jobs:
            if (verdict := self._verdicts.get(job)) is not None:
                found[job] = verdict
        missing = [job for job in dict.fromkeys(jobs) if job not in found]
        runner = Runner(get_compiler(), _ask, seconds)
        answers = runner.run(missing, clock)
        for job, answer in zip(missing, answers, strict=True):
            found[job] = answer
            if not isinstance(answer, Grade):
                self.asked += 1
                self._verdicts.put(job, answer)
        return found


def _ask(session: JailSession, clock: Clock, job: CompilerJob) -> CompilerReport:
    return ask_to_compile(session, clock, job.code, json.loads(job.launches))
