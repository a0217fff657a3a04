# row: a store that never happens, into a copy of the input
# flags:
# reference: f(x) = x.clamp(-1000.0, 1000.0)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(out_ptr + i, mask=i < n)
    tl.store(out_ptr + i, tl.minimum(x, 1000.0), mask=(i < n) & (x > 1000.0))


def f(x):
    out = x.clone()
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](out, n, BLOCK=256)
    return out
