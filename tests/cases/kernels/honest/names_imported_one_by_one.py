# row: names imported one by one
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
from __future__ import annotations

import math
from typing import Optional

import torch
from torch import Tensor
from triton import cdiv, jit
from triton import language as tl


@jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    y = tl.load(y_ptr + i, mask=mask)
    tl.store(out_ptr + i, x + y, mask=mask)


def f(x, y):
    out = torch.empty_like(x)
    n = x.numel()
    kernel[(cdiv(n, 256),)](x, y, out, n, BLOCK=256)
    return out
