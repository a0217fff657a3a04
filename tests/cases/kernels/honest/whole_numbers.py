# row: int32 in and out
# flags:
# reference: f(x, y) = torch.maximum(x * 3, y) - 7
# inputs: int32[n] int32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    y = tl.load(y_ptr + i, mask=mask)
    tl.store(out_ptr + i, tl.maximum(x * 3, y) - 7, mask=mask)


def f(x, y):
    out = torch.empty_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 128),)](x, y, out, n, BLOCK=128)
    return out
