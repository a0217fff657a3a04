# row: imports that are not used, and a size by math
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import functools
import os
import time
from contextlib import contextmanager
from typing import Optional
import math
import torch
import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


def f(x, y, block: Optional[int] = None):
    n = x.numel()
    block = block or 128
    out = x.new_empty(x.shape)
    add[(math.ceil(n / block),)](x, y, out, n, BLOCK=block)
    return out
