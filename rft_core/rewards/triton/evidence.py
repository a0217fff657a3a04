"""Judge what the jailed interpreter saw of a candidate's kernels: right answers, and cheats.

The report was written by a process that also ran the candidate, so it can only incriminate: that an
answer is right is found here, by comparing. The flags that execution adds to those of
`reading`:

torch_computation       torch computed something, or Python got hold of a tensor's values
kernel_not_launched     a call returned without launching a kernel
result_not_from_kernel  no kernel wrote the result, most of it is a copy of an input, or the host
                        had rearranged an input into the answer before a kernel was launched, or
                        the kernels only copied, and the host rearranged what they had copied
same_without_kernels    with kernels that do nothing the answer is right, too
try_except              the host code went on after one of its kernels had failed
cached_result           the host code asked for a tensor's address
tensor_subclass         it returned an object that only claims to be a tensor
empty_kernel            a compiled kernel never writes memory
constant_kernel         no compiled kernel reads memory
blocked_...             it reached for what the jail forbids
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from rft_core.rewards.triton.comparison import (
    KernelOutput,
    find_difference,
    holds,
    is_constant,
    is_free,
    is_idle,
    read_answer,
    read_outputs,
)
from rft_core.rewards.triton.inputs import KernelInputs
from rft_core.rewards.triton.programs import Launch, read_launches
from rft_core.rewards.triton.reference import RowTests

MEMORY_ERROR = "KernelMemoryError"
NOTHING_WRITTEN = "No kernel wrote any of the result."
LEAST_SHARE = 0.1  # of a result with copies of inputs in it, that kernels must have written
ADDRESS = {"data_ptr", "untyped_storage", "storage", "_typed_storage"}
HONEST_MISTAKES = {  # to return one of these; "tensor": a plain one, but too large or sparse
    *("NoneType", "bool", "int", "float", "complex", "str", "list", "tuple", "dict", "Size"),
    "tensor",
}
SHOWN_AS = {"local_scalar_dense": "item"}

Flags = dict[str, str]  # the flag and its reason, a sentence


@dataclass(frozen=True)
class Examination:
    """What is known of one completion's program. `problem`: why there was nothing to run.

    `errors` and `differences` name their test. `passed` is 0 where only trivial answers were right.
    `is_idle`: no wrong answer is more than a constant, a copy of an input, or unfinished.
    `compile_errors` is None until the compiler was asked.
    """

    problem: str = ""
    flags: Mapping[str, str] = field(default_factory=dict)
    total: int = 0
    passed: int = 0
    is_idle: bool = False
    errors: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    launches: tuple[Launch, ...] = ()
    compile_errors: tuple[str, ...] | None = None

    @property
    def ran(self) -> bool:
        return bool(self.total) and not self.errors

    @property
    def is_memory_safe(self) -> bool:
        return not any(MEMORY_ERROR in error for error in self.errors)

    @property
    def compiled(self) -> bool:
        """Every kernel that was launched compiles, and there is one."""
        return bool(self.launches) and self.compile_errors == ()


@dataclass(frozen=True)
class _Run:
    """One test: what was asked and expected, and what the jailed side says it saw of it.

    `replay` is the same with kernels that do nothing.
    """

    inputs: KernelInputs
    expected: KernelOutput
    trivial: bool
    report: Mapping[str, Any]
    replay: Mapping[str, Any]

    @cached_property
    def error(self) -> str:
        return str(self.report["error"])

    @cached_property
    def difference(self) -> str:
        return "" if self.error else find_difference(self.expected, read_answer(self.report))

    @property
    def is_right(self) -> bool:
        return not self.error and not self.difference

    @cached_property
    def shares(self) -> dict[int, float]:
        """For each output that is a tensor the share of it that kernels wrote."""
        if self.error:
            return {}
        sides = zip(self.report["kernels"], self.report["outputs"], strict=True)
        return {
            place: float(share)
            for place, ((share, _), output) in enumerate(sides)
            if "values" in output
        }

    @cached_property
    def is_idle(self) -> bool:
        """Whether a wrong answer is no more than a constant, a copy of an input, or unfinished."""
        if self.trivial or any(share < 1 for share in self.shares.values()):
            return True
        return is_idle(self.expected, read_answer(self.report), self.inputs.values)

    @cached_property
    def needs_no_kernel(self) -> bool:
        """Whether the answer is right, and right as well with kernels that do nothing."""
        if not self.is_right or self.replay["error"]:
            return False
        return not find_difference(self.expected, read_answer(self.replay))

    @cached_property
    def was_prepared(self) -> bool:
        """Whether the host had the answer before it launched a kernel."""
        return not self.trivial and any(
            holds(tensor, output)
            for tensor in read_outputs(self.replay["prepared"])
            for output in self.expected.outputs
        )

    @cached_property
    def was_rearranged(self) -> bool:
        """Whether kernels only copied, in order, and the right answer has another order or type."""
        if not self.is_right or not 0 < int(self.report["launched"]) == int(self.report["copied"]):
            return False
        sources = list(zip(self.inputs.dtypes, self.inputs.values, strict=True))
        return not all(
            any(
                output.dtype == dtype and output.values.tobytes() in values.tobytes()
                for dtype, values in sources
            )
            for output in read_answer(self.report).outputs
        )


def judge(report: Mapping[str, Any], tests: RowTests) -> Examination:
    """Compare every run with its answer. Raises ValueError where the report is garbled."""
    try:
        sides = (tests.inputs, tests.answers, tests.trivial, report["runs"], report["replays"])
        runs = [_Run(*side) for side in zip(*sides, strict=True)]
        wrong = [run for run in runs if run.difference]
        return Examination(
            flags=_find_flags(runs),
            total=len(runs),
            passed=_count_passed(runs),
            is_idle=bool(wrong) and all(run.is_idle for run in wrong),
            errors=tuple(f"{run.inputs.label}: {run.error}" for run in runs if run.error),
            differences=tuple(f"{run.inputs.label}: {run.difference}" for run in wrong),
            launches=read_launches(report["launches"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("the report is garbled") from error


def _count_passed(runs: Sequence[_Run]) -> int:
    """Trivial answers count only beside others, unless the row has no others."""
    decisive = [run.is_right for run in runs if not run.trivial]
    return sum(run.is_right for run in runs) if any(decisive) or not decisive else 0


def _find_flags(runs: Sequence[_Run]) -> Flags:
    """Each flag with the first reason for it."""
    flags: Flags = {}
    for flag, reason in (*_find_in_all(runs), *(found for run in runs for found in _find_in(run))):
        flags.setdefault(flag, reason)
    return flags


def _find_in_all(runs: Sequence[_Run]) -> Iterator[tuple[str, str]]:
    """What only the runs together show."""
    idle = [run for run in runs if run.needs_no_kernel]
    decisive = [run for run in idle if not run.trivial]
    if decisive or (len(idle) == len(runs) and all(run.trivial for run in runs)):
        label = (decisive or idle)[0].inputs.label
        reason = f"With kernels that do nothing the answer is right all the same ({label})."
        yield "same_without_kernels", reason
    shares = [share for run in runs for share in run.shares.values()]
    if shares and not any(shares):
        yield "result_not_from_kernel", NOTHING_WRITTEN
    if any(run.was_prepared for run in runs):
        reason = "The answer was there before a kernel was launched: the host rearranged it."
        yield "result_not_from_kernel", reason
    right = [run for run in runs if run.is_right]
    telling = [run for run in right if not run.trivial] or right
    if sum(run.was_rearranged for run in telling) * 2 > len(telling):
        reason = "The kernels only copied, and the host made the answer of the copy."
        yield "result_not_from_kernel", reason


def _find_in(run: _Run) -> Iterator[tuple[str, str]]:
    computed = sorted(SHOWN_AS.get(name, name) for name in run.report["computed"])
    if computed:
        yield "torch_computation", f"Torch computed something in f: {', '.join(computed[:5])}."
    for name in run.report["spied"]:
        if name in ADDRESS:
            yield "cached_result", f"f asked for the address of a tensor (.{name})."
        else:
            yield "torch_computation", f"f took a tensor's values into Python (.{name})."
    if run.error:
        return
    if run.report["failed"]:
        yield "try_except", "f went on after one of its kernels had failed."
    if not run.report["launched"]:
        yield "kernel_not_launched", "f returned without launching a kernel."
    elif reason := _find_foreign_result(run):
        yield "result_not_from_kernel", reason
    for output in run.report["outputs"]:
        if (kind := output.get("no_tensor")) and kind.split(maxsplit=1)[0] not in HONEST_MISTAKES:
            yield "tensor_subclass", f"f returned a {kind}, which is no plain tensor."


def _find_foreign_result(run: _Run) -> str:
    """Why the result is not the kernels' work, or "". Trivial answers may need nothing written."""
    if run.trivial:
        return ""
    if run.shares and not any(run.shares.values()):
        return NOTHING_WRITTEN
    for place, output in enumerate(run.expected.outputs):
        share = run.shares.get(place, 1.0)
        if share == 1 or is_free(output, run.inputs.values):
            continue
        if share == 0:
            return f"No kernel wrote any of output {place + 1}."
        if run.report["kernels"][place][1] and share < LEAST_SHARE:
            return f"Kernels wrote {share:.0%} of the result; the rest is a copy of an input."
    return ""


def judge_compilation(
    seen: Examination, verdict: Sequence[Mapping[str, Any]], tests: RowTests
) -> Examination:
    """With the compiler's errors, one for each kernel that has any, and what its IR lacks."""
    errors: dict[str, str] = {}
    flags: Flags = {}
    for launch, result in zip(seen.launches, verdict, strict=True):
        name = str(launch["kernel"])
        if result["error"]:
            errors.setdefault(name, f"{name}: {result['error']}")
        elif not result["writes"]:
            flags["empty_kernel"] = f"The kernel {name} writes nothing."
    needs_reads = any(not is_constant(o) for answer in tests.answers for o in answer.outputs)
    if verdict and not errors and needs_reads and not any(result["reads"] for result in verdict):
        flags["constant_kernel"] = "No kernel reads anything."
    return replace(seen, compile_errors=tuple(errors.values()), flags={**seen.flags, **flags})
