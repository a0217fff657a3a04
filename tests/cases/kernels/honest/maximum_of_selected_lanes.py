# row: whole numbers that no load has filled, left out
# flags:
# reference: f(x) = torch.amax(x, dim=-1)
# inputs: int64[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + row * n + i, mask=mask)
    x = tl.where(mask, x, -(2**62))
    tl.store(out_ptr + row, tl.max(x, 0))


def f(x):
    m, n = x.shape
    out = torch.zeros(m, device=x.device, dtype=x.dtype)
    kernel[(m,)](x, out, n, BLOCK=triton.next_power_of_2(n))
    return out
