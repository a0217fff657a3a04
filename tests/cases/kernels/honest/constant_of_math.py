# row: a constant of math in a kernel
# reference: f(x) = torch.sin(x * torch.pi)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl

import math


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    tl.store(o_ptr + i, tl.sin(x * math.pi), mask=m)


def f(x):
    out = torch.empty_like(x)
    n = x.numel()
    k[(triton.cdiv(n, 256),)](x, out, n, BLOCK=256)
    return out
