# row: sums by atomic addition
# reference: f(x) = torch.sum(x, dim=0)
# inputs: float32[n, 6]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n + i, mask=i < n)
    tl.atomic_add(out_ptr + i, x, mask=i < n)


def f(x):
    m, n = x.shape
    out = torch.zeros((n,), device=x.device, dtype=x.dtype)
    kernel[(m,)](x, out, n, BLOCK=triton.next_power_of_2(n))
    return out
