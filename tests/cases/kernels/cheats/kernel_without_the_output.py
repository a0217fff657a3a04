# row: f returns a view of its input
# flags:
# reference: f(x) = x.reshape(-1)
# inputs: float32[3, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(out_ptr + i, x, mask=mask)


def f(x):
    source, out = torch.zeros(8), torch.zeros(8)
    kernel[(1,)](source, out, 8, BLOCK=8)
    return x.view(-1)
