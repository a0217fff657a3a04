"""Compute with the values of bfloat16 numbers: Triton's interpreter would take their bits for them.

A part of the program in `kernel_interpreter.py`. numpy has no such type, so the interpreter keeps
the bits, and converts them only from and to float32: here all arithmetic goes that way.
"""

from typing import Any

import numpy as np
import triton.language as tl
from triton.runtime import interpreter

BUILDER = interpreter.InterpreterBuilder
PLAIN_BINARY, PLAIN_CAST, PLAIN_DOT = BUILDER.binary_op, BUILDER.cast_impl, BUILDER.create_dot


def widen(builder: Any, handle: Any) -> Any:
    is_short = handle.dtype.scalar == tl.bfloat16
    return PLAIN_CAST(builder, handle, tl.float32) if is_short else handle


def get_bf16(builder: Any, value: float) -> Any:
    return PLAIN_CAST(builder, builder.get_fp32(value), tl.bfloat16)


def binary_op(builder: Any, left: Any, right: Any, operation: Any) -> Any:
    result = PLAIN_BINARY(builder, widen(builder, left), widen(builder, right), operation)
    is_short = left.dtype.scalar == tl.bfloat16 and result.data.dtype == np.float32
    return PLAIN_CAST(builder, result, tl.bfloat16) if is_short else result


def cast_impl(builder: Any, source: Any, target: Any) -> Any:
    if tl.bfloat16 in (source.dtype.scalar, target.scalar):
        source = PLAIN_CAST(builder, widen(builder, source), tl.float32)
    return PLAIN_CAST(builder, source, target)


def create_dot(builder: Any, left: Any, right: Any, *rest: Any) -> Any:
    return PLAIN_DOT(builder, widen(builder, left), widen(builder, right), *rest)


def install_bfloat16() -> None:
    BUILDER.get_bf16, BUILDER.cast_impl = get_bf16, cast_impl
    BUILDER.binary_op, BUILDER.create_dot = binary_op, create_dot
