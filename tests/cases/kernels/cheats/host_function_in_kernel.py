# row: Python inside the kernel body: it calls a host function
# flags: python_in_kernel torch_computation
# reference: f(x) = torch.sum(x, dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


def add_up(x):
    return torch.sum(x)


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * n + i, mask=i < n, other=0.0)
    tl.store(out_ptr + tl.program_id(0), add_up(x))


def f(x):
    m, n = x.shape
    out = torch.zeros(m)
    kernel[(m,)](x, out, n, BLOCK=triton.next_power_of_2(n))
    return out
