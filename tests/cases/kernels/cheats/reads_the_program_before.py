# row: each program goes on from what the one before it wrote
# flags:
# reference: f(x) = torch.cumsum(x, 0)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    first = tl.program_id(0) * BLOCK
    i = first + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=0.0)
    before = tl.load(out_ptr + first - 1, mask=first > 0, other=0.0)
    tl.store(out_ptr + i, before + tl.cumsum(x, axis=0), mask=i < n)


def f(x):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 16),)](x, out, n, BLOCK=16)
    return out
