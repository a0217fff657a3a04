"""Compare what a candidate's kernels gave with what the reference gave, and say how they differ.

Type and shape must be the same. A value may be off by a part of itself and by a part of the usual
size of the answer, both by type, and by what rounding does to it (`rounding.py`); NaN and
infinities must stand where the reference has them. The arrays come from a jailed process: they are
plain data by now, and nothing else is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rft_core.rewards.triton.inputs import Array


@dataclass(frozen=True)
class Tolerance:
    """`relative` to the value itself, `usual` to the median of the answer, and a least `floor`."""

    relative: float
    usual: float
    floor: float


TOLERANCES = {
    "float64": Tolerance(1e-6, 1e-7, 1e-9),
    "float32": Tolerance(2e-4, 1e-4, 1e-6),
    "float16": Tolerance(1e-2, 2e-3, 1e-4),
    "bfloat16": Tolerance(2e-2, 1e-2, 1e-3),
}
FORGIVEN_MOVES = 8.0  # times what half a unit in the inputs moves: sums are rounded at each term
FEW_ELEMENTS = 8


@dataclass(frozen=True)
class KernelOutput:
    """What one call gave: `outputs` in order, and the inputs that it changed, by position."""

    outputs: tuple[OutputTensor, ...]
    changed: Mapping[int, OutputTensor]

    @property
    def is_finite(self) -> bool:
        return all(bool(np.isfinite(output.values).all()) for output in self.outputs)


@dataclass(frozen=True)
class OutputTensor:
    """A tensor, or with `dtype` "" something else that `what` names.

    `rounding`, of an answer: how far each element moves with the rounding of the inputs.
    """

    dtype: str
    values: Array
    what: str = ""
    rounding: Array | None = None


NO_ARRAY: Array = np.empty(0)


def read_answer(report: Mapping[str, Any]) -> KernelOutput:
    """The answer in a report of `kernel_interpreter.py`. Raises ValueError where there is none."""
    try:
        outputs = read_outputs(report["outputs"])
        changed = {int(place): _read_output(one) for place, one in report["changed"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("the report of a run is garbled") from error
    return KernelOutput(outputs, changed)


def read_outputs(described: Sequence[Mapping[str, Any]]) -> tuple[OutputTensor, ...]:
    return tuple(_read_output(one) for one in described)


def _read_output(one: Mapping[str, Any]) -> OutputTensor:
    if "no_tensor" in one:
        return OutputTensor("", NO_ARRAY, str(one["no_tensor"]))
    values = one["values"]
    if not isinstance(values, np.ndarray):
        return OutputTensor("", NO_ARRAY, "tensor that could not be read")
    return OutputTensor(str(one["dtype"]), values)


def find_difference(expected: KernelOutput, given: KernelOutput) -> str:
    """In words the first thing that is not as expected; "" if all is right."""
    if len(expected.outputs) != len(given.outputs):
        return f"it returned {len(given.outputs)} values, not {len(expected.outputs)}"
    for number, pair in enumerate(zip(expected.outputs, given.outputs, strict=True), start=1):
        if problem := _compare(*pair):
            return f"output {number}: {problem}" if len(expected.outputs) > 1 else problem
    if expected.changed.keys() != given.changed.keys():
        places = sorted(expected.changed.keys() ^ given.changed.keys())
        verb = "changed" if places[0] in given.changed else "did not change"
        return f"it {verb} input {places[0] + 1}, unlike the reference"
    for place, wanted in expected.changed.items():
        if problem := _compare(wanted, given.changed[place]):
            return f"input {place + 1}, which the reference changes: {problem}"
    return ""


def _compare(expected: OutputTensor, given: OutputTensor) -> str:
    if not given.dtype:
        return f"it returned a {given.what}, not a tensor"
    if given.values.shape != expected.values.shape:
        return f"the shape is {_show(given.values)}, not {_show(expected.values)}"
    if given.dtype != expected.dtype or given.values.dtype != expected.values.dtype:
        return f"the type is {given.dtype}, not {expected.dtype}"
    wrong = _find_wrong(expected, given.values)
    if not wrong.any():
        return ""
    first = tuple(int(place[0]) for place in np.nonzero(np.atleast_1d(wrong)))
    values = [np.atleast_1d(each.values)[first] for each in (given, expected)]
    return (
        f"{int(wrong.sum())} of {wrong.size} values are wrong, the first at "
        f"{list(first)}: {values[0]:.6g} instead of {values[1]:.6g}"
    )


def _find_wrong(answer: OutputTensor, given: Array) -> Array:
    expected, tolerance = answer.values, TOLERANCES.get(answer.dtype)
    if tolerance is None or expected.dtype.kind == "c":
        return np.asarray(expected != given)
    finite = np.isfinite(expected)
    usual = float(np.median(np.abs(expected[finite]))) if finite.any() else 0.0
    with np.errstate(all="ignore"):
        off = np.abs(given.astype(np.float64) - expected.astype(np.float64))
        allowed = tolerance.relative * np.abs(expected.astype(np.float64))
        allowed = allowed + tolerance.usual * usual + tolerance.floor
        if answer.rounding is not None:
            allowed = allowed + FORGIVEN_MOVES * answer.rounding
        same = (given == expected) | (np.isnan(given) & np.isnan(expected))
        return np.asarray(np.where(finite, ~(off <= allowed), ~same))


def _show(values: Array) -> str:
    return str(tuple(int(size) for size in values.shape))


def is_trivial(expected: KernelOutput, inputs: Sequence[Array]) -> bool:
    """Whether the answer can be had without work: all elements the same, or a copy of an input.

    A kernel that does nothing, or that is fitted to one input, gets such a test right by luck. So
    does one that stops after a few elements where there are no more.
    """
    if max((one.size for one in inputs), default=0) < FEW_ELEMENTS:
        return True
    return not expected.changed and all(is_free(output, inputs) for output in expected.outputs)


def is_free(output: OutputTensor, inputs: Sequence[Array]) -> bool:
    """Whether all its elements are the same, or those of an input, as far as one can tell."""
    return any(_is_right(output, guess) for guess in _list_guesses(output.values, inputs))


def is_idle(expected: KernelOutput, given: KernelOutput, inputs: Sequence[Array]) -> bool:
    """Whether a wrong answer shows no work: of another form, not finite, constant, or a copy of
    (parts of) inputs where the right one is more.
    """
    if [o.values.shape for o in expected.outputs] != [o.values.shape for o in given.outputs]:
        return True
    return any(
        output.dtype != wanted.dtype
        or not bool((np.isfinite(output.values) | ~np.isfinite(wanted.values)).all())
        or any(_is_right(output, guess) for guess in _list_guesses(output.values, inputs))
        or (_is_picked(output, inputs) and not _is_picked(wanted, inputs))
        for output, wanted in zip(given.outputs, expected.outputs, strict=True)
    )


def holds(tensor: OutputTensor, answer: OutputTensor) -> bool:
    """Whether its elements are the answer's, in whatever shape and type."""
    if not tensor.dtype or tensor.values.size != answer.values.size:
        return False
    return _is_right(answer, tensor.values.reshape(answer.values.shape))


def is_constant(output: OutputTensor) -> bool:
    """Whether all elements are the same, as far as the comparison can tell."""
    return _is_right(output, np.full_like(output.values, output.values.ravel()[:1].sum()))


def _is_picked(output: OutputTensor, inputs: Sequence[Array]) -> bool:
    """Whether all its elements are to be found in one input."""
    is_float = output.values.dtype.kind == "f"
    return is_float and any(bool(np.isin(output.values, one).all()) for one in inputs)


def _list_guesses(values: Array, inputs: Sequence[Array]) -> Iterator[Array]:
    for one in inputs:
        if one.size == values.size:
            yield one.reshape(values.shape)
    if values.size > 1:
        yield np.full_like(values, values.ravel()[0])
    else:  # a single number is the same as itself; only these are no answer
        yield from (np.full_like(values, number) for number in (0, 1))


def _is_right(expected: OutputTensor, guess: Array) -> bool:
    """Without what rounding is forgiven: that is for whoever has computed it."""
    return not _find_wrong(replace(expected, rounding=None), guess).any()
