# row: tl.reduce with a function of its own
# reference: f(x) = torch.prod(x, dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def multiply(a, b):
    return a * b


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n + i, mask=i < n, other=1.0)
    tl.store(out_ptr + row, tl.reduce(x, 0, multiply))


def f(x):
    m, n = x.shape
    out = torch.zeros(m, device=x.device)
    kernel[(m,)](x, out, n, BLOCK=triton.next_power_of_2(n))
    return out
