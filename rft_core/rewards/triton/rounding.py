"""How far rounding alone may take an honest kernel: measured on the reference, for each element.

A tolerance by type is right for most answers. Where an answer depends on its inputs more than that
(a softmax over scores of 100,000), two honest float32 programs differ by more, and one of them
would lose by luck. So the reference runs in float64 on inputs that are off by half a unit in the
last place of float32, in a few directions: by how much its answer moves, an honest kernel's may.

Only what moves in proportion counts. Where a step is taken at the very number (x >= 1 at 1), the
answer jumps however small the push, and an honest kernel has no excuse: it gets the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rft_core.rewards.triton.comparison import KernelOutput, OutputTensor
from rft_core.rewards.triton.inputs import Array, KernelInputs

DIRECTIONS = 4
HALF_UNIT = 2.0**-24  # relative, of float32
PART = 64.0  # each push is made once more, this much smaller
PROPORTIONATE = (PART / 4, PART * 4)


def list_pushed(inputs: KernelInputs, seed: int) -> list[KernelInputs]:
    """In float64 as they are, then each push and its smaller twin. [] where nothing is float32."""
    if "float32" not in inputs.dtypes:
        return []
    rng = np.random.default_rng(seed)
    directions: list[list[Array]] = [
        [np.asarray(rng.uniform(-1.0, 1.0, values.shape)) for values in inputs.values]
        for _ in range(DIRECTIONS)
    ]
    pushes = [size for _ in directions for size in (HALF_UNIT, HALF_UNIT / PART)]
    doubled = [one for direction in directions for one in (direction, direction)]
    still = _push(inputs, directions[0], 0.0)
    return [still, *(_push(inputs, *pair) for pair in zip(doubled, pushes, strict=True))]


def with_rounding(answer: KernelOutput, pushed: Sequence[KernelOutput]) -> KernelOutput:
    """The answer, with what the reference gave for `list_pushed` taken into its tensors."""
    outputs = tuple(
        _with_moves(output, [_get(one.outputs, place) for one in pushed])
        for place, output in enumerate(answer.outputs)
    )
    changed = {
        place: _with_moves(output, [one.changed.get(place) for one in pushed])
        for place, output in answer.changed.items()
    }
    return replace(answer, outputs=outputs, changed=changed)


def _push(inputs: KernelInputs, directions: Sequence[Array], size: float) -> KernelInputs:
    pushed = [
        values.astype(np.float64) * (1.0 + size * direction) if dtype == "float32" else values
        for values, direction, dtype in zip(inputs.values, directions, inputs.dtypes, strict=True)
    ]
    dtypes = tuple("float64" if dtype == "float32" else dtype for dtype in inputs.dtypes)
    return KernelInputs(inputs.label, tuple(pushed), dtypes)


def _get(outputs: Sequence[OutputTensor], place: int) -> OutputTensor | None:
    return outputs[place] if place < len(outputs) else None


def _with_moves(output: OutputTensor, pushed: Sequence[OutputTensor | None]) -> OutputTensor:
    """The largest move of each element; none known where float64 gives another kind of answer."""
    values = [one.values.astype(np.float64) for one in pushed if one and one.dtype == "float64"]
    is_alike = all(one.shape == output.values.shape for one in values)
    if output.dtype != "float32" or len(values) < len(pushed) or not values or not is_alike:
        return output
    still, *moved = values
    rounding = np.zeros_like(still)
    for large, small in zip(moved[::2], moved[1::2], strict=True):
        with np.errstate(all="ignore"):
            move, twin = np.abs(large - still), np.abs(small - still)
            ratio = move / twin
            counts = (ratio > PROPORTIONATE[0]) & (ratio < PROPORTIONATE[1])
            rounding = np.fmax(rounding, np.where(counts & np.isfinite(move), move, 0.0))
    return replace(output, rounding=rounding)
