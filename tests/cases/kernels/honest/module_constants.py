# row: module-level constants
# reference: f(x) = torch.exp2(x * 0.5)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl

BLOCK_SIZE = 4 * 64
HALF = tl.constexpr(0.5)


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(out_ptr + i, tl.math.exp2(x * HALF), mask=mask)


def f(x):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, BLOCK_SIZE),)](x, out, n, BLOCK=BLOCK_SIZE)
    return out
