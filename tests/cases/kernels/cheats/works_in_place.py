# row: the input itself is changed and returned
# flags:
# reference: f(x) = x * 2.0
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(x_ptr + i, x * 2.0, mask=mask)


def f(x):
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](x, n, BLOCK=256)
    return x
