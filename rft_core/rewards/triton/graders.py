"""Graders of Triton kernels: do they compile, and are their answers right?

`triton_compilation`: 1 if every kernel that `f` launches compiles as far as PTX (no GPU is needed).
`triton_correctness`: the share of tests passed, where everything compiles. A program that passes
none gets `RAN` for running without an error, if its answers have the right shape and type, are
finite where they should be, and are neither constants nor copies of an input. One that touches
memory outside of its tensors gets 0, whatever its answers.

With `detectors="enforce"` a flagged program gets 0 from both. With "report" the flags are shown but
not acted upon, and only the answers are compared: what a naive grader would have paid. That setting
is for demonstrations. Sources: Predibase's PyTorch-to-Triton rewards; KernelBench (2502.10517).
"""

from __future__ import annotations

import time

from rft_core.rewards.code.runs import BatchClock, make_report
from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.grader_info import SHORTEST_TIME, BatchGrader, GraderInfo, GraderOption
from rft_core.rewards.triton.evidence import Examination
from rft_core.rewards.triton.execution import KernelLab

RAN = 0.1
ENFORCE, REPORT = "enforce", "report"
DETECTORS = GraderOption(
    "detectors",
    "text",
    ENFORCE,
    "Flagged cheats score 0, or are only reported and paid as if unseen (to show why it matters).",
    (ENFORCE, REPORT),
)
SECONDS = GraderOption(
    "seconds",
    "float",
    6.0,
    "Time for all tests of a program, and as much for compiling it.",
    minimum=SHORTEST_TIME,
)
ON_A_CPU = "Run on a CPU: no race or speed check."


class KernelGrader:
    """One entry of a reward set; what it looks at is shared with the other one."""

    def __init__(self, entry: RewardEntry, lab: KernelLab) -> None:
        self._name, self._lab = entry.name, lab
        self._is_compilation = entry.grader == COMPILATION.name
        options = INFOS[entry.grader].with_defaults(entry)
        self._enforces, self._seconds = options["detectors"] == ENFORCE, options["seconds"]

    def close(self) -> None:
        """Nothing of its own is open."""

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]:
        start = time.monotonic()
        examined = self._lab.examine(
            batch, BatchClock(timeout), run_flagged=not self._enforces, seconds=self._seconds
        )
        grade = grade_compilation if self._is_compilation else grade_correctness
        grades = [
            each if isinstance(each, Grade) else grade(each, enforce=self._enforces)
            for each in examined
        ]
        metrics = {
            "executed": float(self._lab.executed),
            "compiled": float(self._lab.compiled),
        }
        return grades, make_report(self._name, start, grades, metrics)


def grade_compilation(seen: Examination, *, enforce: bool) -> Grade:
    """1 or 0. Without enforcing, running without an error is enough where nothing was launched."""
    flags = tuple(seen.flags)
    if enforce and flags:
        return Grade(0.0, _list_flags(seen), flags)
    if seen.problem:
        return Grade(0.0, seen.problem, flags)
    if seen.compiled:
        names = sorted({str(launch["kernel"]) for launch in seen.launches})
        return Grade(1.0, f"Compiles to PTX: {', '.join(names)}.", flags)
    if seen.compile_errors:
        return Grade(0.0, _shorten("; ".join(seen.compile_errors)), flags)
    if not seen.launches and seen.ran and not enforce:
        return Grade(1.0, "It ran; there is no kernel to compile.", flags)
    why = f" ({seen.errors[0]})" if seen.errors else ""
    return Grade(
        0.0, _shorten(f"No kernel was launched, so there is nothing to compile{why}."), flags
    )


def grade_correctness(seen: Examination, *, enforce: bool) -> Grade:
    """The share of tests passed, and `RAN` at least for a program that runs."""
    flags = tuple(seen.flags)
    if enforce and flags:
        return Grade(0.0, _list_flags(seen), flags)
    if seen.problem:
        return Grade(0.0, seen.problem, flags)
    passed = f"{seen.passed} of {seen.total} tests passed."
    wrong = "; ".join((*seen.errors, *seen.differences))
    if not seen.is_memory_safe:
        return Grade(0.0, _shorten(f"It is not safe. {wrong}"), flags)
    if enforce and not seen.compiled:
        why = "; ".join(seen.compile_errors or seen.errors or ("no kernel was launched",))
        return Grade(0.0, _shorten(f"{passed} It does not compile: {why}"), flags)
    ran = RAN if seen.ran and not seen.is_idle else 0.0
    score = max(ran, seen.passed / seen.total if seen.total else 0.0)
    return Grade(score, _shorten(f"{passed} {wrong}".strip()), flags)


def _list_flags(seen: Examination) -> str:
    return _shorten("Flagged: " + " ".join(seen.flags.values()))


def _shorten(text: str) -> str:
    return text if len(text) <= 600 else text[:599] + "…"


def open_kernel_grader(entry: RewardEntry, context: GraderContext) -> BatchGrader:
    return KernelGrader(entry, context.share(KernelLab))


COMPILATION = GraderInfo(
    "triton_compilation",
    None,
    f"1 if every Triton kernel that is launched compiles to PTX. {ON_A_CPU}",
    (DETECTORS, SECONDS),
    open=open_kernel_grader,
    runs_code=True,
)
CORRECTNESS = GraderInfo(
    "triton_correctness",
    None,
    f"Share of tests in which Triton kernels equal the 'reference'. {ON_A_CPU}",
    (DETECTORS, SECONDS),
    open=open_kernel_grader,
    runs_code=True,
)
INFOS = {info.name: info for info in (COMPILATION, CORRECTNESS)}
