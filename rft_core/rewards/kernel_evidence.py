"""Judge what the jailed interpreter saw of a candidate's kernels: right answers, and cheats.

The report was written by a process that also ran the candidate, so it can only incriminate: that an
answer is right is found here, by comparing. The flags that execution adds to those of
`kernel_rules.py`:

torch_computation       torch computed something, or Python got hold of a tensor's values
kernel_not_launched     a call returned without launching a kernel
result_not_from_kernel  no kernel wrote the result, most of it is a copy of an input, or the host
                        had rearranged an input into the answer before a kernel was launched
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
from typing import Any

import numpy as np

from rft_core.rewards.kernel_comparison import (
    Answer,
    find_difference,
    holds,
    is_constant,
    is_idle,
    read_answer,
    read_outputs,
)
from rft_core.rewards.kernel_programs import Launch, read_launches
from rft_core.rewards.kernel_reference import RowTests

MEMORY_ERROR = "KernelMemoryError"
NOTHING_WRITTEN = "No kernel wrote any of the result."
LEAST_SHARE = 0.5  # of a result with copies of inputs in it, that kernels must have written
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


def judge(report: Mapping[str, Any], tests: RowTests) -> Examination:
    """Compare every run with its answer. Raises ValueError where the report is garbled."""
    flags: Flags = {}
    errors, differences, right, idle = [], [], [], []
    try:
        sides = zip(tests.inputs, tests.answers, tests.trivial, report["runs"], strict=True)
        for inputs, expected, trivial, run in sides:
            flags |= dict(_find_flags(run, expected, trivial)) | flags
            right.append(False)
            if run["error"]:
                errors.append(f"{inputs.label}: {run['error']}")
                continue
            answer = read_answer(run)
            if difference := find_difference(expected, answer):
                differences.append(f"{inputs.label}: {difference}")
                whole = all(share == 1 for share, _ in run["kernels"])
                idle.append(trivial or not whole or is_idle(expected, answer, inputs.values))
            right[-1] = not difference
        if reason := _find_idle(report["replays"], tests, right):
            flags.setdefault("same_without_kernels", reason)
        shares = [_list_shares(run) for run in report["runs"] if not run["error"]]
        if any(shares) and not any(any(each.values()) for each in shares):
            flags.setdefault("result_not_from_kernel", NOTHING_WRITTEN)
        if reason := _find_prepared(report["replays"], tests):
            flags.setdefault("result_not_from_kernel", reason)
        launches = read_launches(report["launches"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("the report is garbled") from error
    return Examination(
        flags=flags,
        total=len(right),
        passed=_count_passed(right, tests.trivial),
        is_idle=bool(idle) and all(idle),
        errors=tuple(errors),
        differences=tuple(differences),
        launches=launches,
    )


def _count_passed(right: Sequence[bool], trivial: Sequence[bool]) -> int:
    """Trivial answers count only beside others, unless the row has no others."""
    has_proof = all(trivial) or any(r and not t for r, t in zip(right, trivial, strict=True))
    return sum(right) if has_proof else 0


def _find_flags(
    run: Mapping[str, Any], expected: Answer, trivial: bool
) -> Iterator[tuple[str, str]]:
    """For a trivial answer, such as zeros, there may have been nothing to write."""
    computed = sorted(SHOWN_AS.get(name, name) for name in run["computed"])
    if computed:
        yield "torch_computation", f"Torch computed something in f: {', '.join(computed[:5])}."
    for name in run["spied"]:
        if name in ADDRESS:
            yield "cached_result", f"f asked for the address of a tensor (.{name})."
        else:
            yield "torch_computation", f"f took a tensor's values into Python (.{name})."
    if run["error"]:
        return
    if run["failed"]:
        yield "try_except", "f went on after one of its kernels had failed."
    if not run["launched"]:
        yield "kernel_not_launched", "f returned without launching a kernel."
    elif not trivial and (reason := _find_foreign_result(run, expected)):
        yield "result_not_from_kernel", reason
    for output in run["outputs"]:
        if (kind := output.get("no_tensor")) and kind.split(maxsplit=1)[0] not in HONEST_MISTAKES:
            yield "tensor_subclass", f"f returned a {kind}, which is no plain tensor."


def _list_shares(run: Mapping[str, Any]) -> dict[int, float]:
    """For each output that is a tensor the share of it that kernels wrote."""
    sides = zip(run["kernels"], run["outputs"], strict=True)
    return {
        place: float(share)
        for place, ((share, _), output) in enumerate(sides)
        if "values" in output
    }


def _find_foreign_result(run: Mapping[str, Any], expected: Answer) -> str:
    """Why the result is not the kernels' work, or ""."""
    shares = _list_shares(run)
    if shares and not any(shares.values()):
        return NOTHING_WRITTEN
    for number, share in shares.items():
        is_copy = run["kernels"][number][1]
        if is_copy and share < LEAST_SHARE:
            return f"Kernels wrote {share:.0%} of the result; the rest is a copy of an input."
        constant = number >= len(expected.outputs) or is_constant(expected.outputs[number])
        if share == 0 and not constant:
            return f"No kernel wrote any of output {number + 1}."
    return ""


def _find_idle(replays: Sequence[Mapping[str, Any]], tests: RowTests, right: Sequence[bool]) -> str:
    """Why the kernels did not matter, or "": right answers, and the same ones without kernels."""
    trivial = tests.trivial
    idle = [
        is_right and not replay["error"] and not find_difference(expected, read_answer(replay))
        for replay, expected, is_right in zip(replays, tests.answers, right, strict=True)
    ]
    decisive = [same for same, is_trivial in zip(idle, trivial, strict=True) if not is_trivial]
    if any(decisive) or (not decisive and all(idle)):
        label = tests.inputs[int(np.argmax(idle))].label
        return f"With kernels that do nothing the answer is right all the same ({label})."
    return ""


def _find_prepared(replays: Sequence[Mapping[str, Any]], tests: RowTests) -> str:
    """Why the kernels had nothing left to do, or ""."""
    for replay, answer, trivial in zip(replays, tests.answers, tests.trivial, strict=True):
        for tensor in read_outputs(replay["prepared"]):
            if not trivial and any(holds(tensor, output) for output in answer.outputs):
                return "The answer was there before a kernel was launched: the host rearranged it."
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
