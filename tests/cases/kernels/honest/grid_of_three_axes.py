# row: batch, row and column have an axis of the grid each
# flags:
# reference: f(x) = x * x + 1.0
# inputs: float32[2, 3, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, rows, n, BLOCK: tl.constexpr):
    start = (tl.program_id(0) * rows + tl.program_id(1)) * n
    i = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + start + i, mask=i < n)
    tl.store(out_ptr + start + i, x * x + 1.0, mask=i < n)


def f(x):
    batch, rows, n = x.shape
    out = torch.empty_like(x)
    kernel[(batch, rows, triton.cdiv(n, 256))](x, out, rows, n, BLOCK=256, num_warps=8)
    return out
