"""Reduce and scan by a kernel's own function in a few steps on arrays, not element by element.

A part of the program in `kernel_interpreter.py`. Triton's interpreter calls the function once for
every element; tl.sort() of 2,048 of them, which is made of such reductions, takes it seconds. The
function is associative by definition, so pairs may be combined first, as the compiler does.
"""

from typing import Any

import numpy as np
from triton.runtime import interpreter

ONE_BY_ONE = interpreter.ReduceOps.generic_reduce, interpreter.ScanOps.generic_scan


def combine(ops: Any, types: list[Any], left: list[Any], right: list[Any]) -> list[Any]:
    """What the function gives for arrays of left and of right operands."""
    sides = [
        ops.to_tensor(part, kind)
        for side in (left, right)
        for part, kind in zip(side, types, strict=True)
    ]
    result = ops.combine_fn.fn(*sides)
    parts = result if isinstance(result, tuple) else (result,)
    values: list[Any] = [getattr(getattr(part, "handle", None), "data", part) for part in parts]
    return [
        np.broadcast_to(value, old.shape).astype(old.dtype)
        for value, old in zip(values, left, strict=True)
    ]


def pick(arrays: list[Any], axis: int, *bounds: int | None) -> list[Any]:
    index = slice(*bounds)
    return [array[(slice(None),) * axis + (index,)] for array in arrays]


def join(parts: list[list[Any]], axis: int) -> list[Any]:
    return [np.concatenate(arrays, axis) for arrays in zip(*parts, strict=True)]


def reduce_by_halves(ops: Any, input: Any) -> Any:
    try:
        tensors, axis = ops.unravel(input, ops.axis)
        types, arrays = [t.dtype for t in tensors], [t.handle.data for t in tensors]
        axis %= arrays[0].ndim
        while (size := arrays[0].shape[axis]) > 1:
            even = size - size % 2
            left, right = pick(arrays, axis, 0, even, 2), pick(arrays, axis, 1, even, 2)
            paired = combine(ops, types, left, right)
            arrays = join([paired, pick(arrays, axis, even, None)], axis)
    except (TypeError, ValueError, AttributeError, IndexError):
        return ONE_BY_ONE[0](ops, input)  # it decides by single values
    if ops.keep_dims:
        shape = (1,) * input[0].handle.data.ndim if ops.axis is None else arrays[0].shape
        arrays = [array.reshape(shape) for array in arrays]
    else:
        arrays = [array.squeeze(axis) for array in arrays]
    plain = [array if array.ndim else array.item() for array in arrays]
    return [ops.to_tensor(array, kind) for array, kind in zip(plain, types, strict=True)]


def scan_by_doubling(ops: Any, input: Any) -> Any:
    """Each element takes in what stands 1, 2, 4 ... places before it."""
    try:
        types, arrays = [t.dtype for t in input], [t.handle.data for t in input]
        axis, step = ops.axis % arrays[0].ndim, 1
        while step < arrays[0].shape[axis]:
            before, after = pick(arrays, axis, 0, -step), pick(arrays, axis, step, None)
            taken_in = combine(ops, types, before, after)
            arrays = join([pick(arrays, axis, 0, step), taken_in], axis)
            step *= 2
    except (TypeError, ValueError, AttributeError, IndexError):
        return ONE_BY_ONE[1](ops, input)
    return [ops.to_tensor(array, kind) for array, kind in zip(arrays, types, strict=True)]
