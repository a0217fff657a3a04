"""An honest kernel never loses by rounding, and nobody else gains by what it is forgiven."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from rft_core.rewards.code.runs import BatchClock
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.triton.comparison import KernelOutput, OutputTensor, find_difference
from rft_core.rewards.triton.execution import KernelLab
from rft_core.rewards.triton.inputs import KernelInputs
from rft_core.rewards.triton.rounding import list_pushed, with_rounding
from tests.rewards.triton.kernel_case_files import read_case_named
from tests.rewards.triton.test_kernel_lab import make_batch

UNLUCKY = (14, 46, 47, 54, 67)  # seeds at which rounding took the kernel out of a fixed tolerance
Reference = Callable[[np.ndarray], np.ndarray]


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Iterator[GraderContext]:
    made = GraderContext()
    monkeypatch.setattr(made, "_secret", b"fixed")
    yield made
    made.close()


def test_an_honest_attention_never_loses_by_rounding(context: GraderContext) -> None:
    lab, case = KernelLab(context), read_case_named("honest", "attention")
    for seed in UNLUCKY:
        context.start_step(seed)
        [seen] = lab.examine(make_batch(case), BatchClock(120), run_flagged=False, seconds=20)
        assert seen.passed == seen.total == 5, (seed, seen.differences)


def answer_of(reference: Reference, values: np.ndarray) -> KernelOutput:
    """What the reference gives in float32, with what rounding may do to it."""

    def run(given: np.ndarray) -> KernelOutput:
        output = reference(given)
        return KernelOutput((OutputTensor(str(output.dtype), output),), {})

    pushed = list_pushed(KernelInputs("", (values,), ("float32",)), seed=3)
    return with_rounding(run(values), [run(one.values[0]) for one in pushed])


def off_by(answer: KernelOutput, factor: float) -> KernelOutput:
    [output] = answer.outputs
    return KernelOutput((OutputTensor("float32", output.values * np.float32(factor)),), {})


SCORES = np.random.default_rng(0).normal(0.0, 1.0, 4096).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "factor", "is_right"),
    [(1.0, 1.0001, True), (1.0, 1.001, False), (20_000.0, 1.001, True), (20_000.0, 1.5, False)],
)
def test_what_an_exponent_does_to_a_half_unit_is_forgiven_and_no_more(
    size: float, factor: float, is_right: bool
) -> None:
    values = (size + SCORES).astype(np.float32)
    answer = answer_of(lambda given: np.exp(given - size), values)
    assert (not find_difference(answer, off_by(answer, factor))) is is_right


@pytest.mark.parametrize(
    "reference",
    [
        lambda given: (given >= 1).astype(given.dtype),
        np.floor,
        lambda given: np.sign(given - 1),
    ],
)
def test_where_a_step_is_taken_at_the_very_number_nothing_is_forgiven(reference: Reference) -> None:
    values = np.tile(np.array([1.0, 2.0, 0.5, 3.0, 1.25], np.float32), 8)
    [output] = answer_of(reference, values).outputs
    assert output.rounding is not None and not output.rounding.any()


def test_a_reference_that_takes_no_float64_is_compared_as_ever() -> None:
    values = np.linspace(1, 2, 9, dtype=np.float32)
    [output] = answer_of(lambda given: given.astype(np.float32) * 2, values).outputs
    assert output.rounding is None
