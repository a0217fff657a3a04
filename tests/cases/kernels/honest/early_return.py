# row: an early return for empty inputs
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import math

import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    y = tl.load(y_ptr + i, mask=mask)
    tl.store(out_ptr + i, x + y, mask=mask)


@torch.no_grad()
def f(x, y):
    if x.shape != y.shape:
        raise ValueError("shapes differ")
    out = torch.zeros_like(x)
    n = x.numel()
    if n == 0:
        return out
    blocks = int(math.ceil(n / 256))
    kernel[(blocks,)](x, y, out, n, BLOCK=256)
    return out
