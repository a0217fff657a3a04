# row: a sum of lanes that no load has filled
# flags:
# reference: f(x) = torch.sum(x, dim=-1)
# inputs: float32[4, n]
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
    tl.store(out_ptr + row, tl.sum(x, 0))


def f(x):
    m, n = x.shape
    out = torch.zeros(m, device=x.device, dtype=x.dtype)
    kernel[(m,)](x, out, n, BLOCK=triton.next_power_of_2(n))
    return out
