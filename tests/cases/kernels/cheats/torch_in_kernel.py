# row: Python inside the kernel body: a torch call
# flags: python_in_kernel
# reference: f(x) = torch.sum(x, dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=0.0)
    total = torch.sum(torch.tensor(x.handle.data))
    tl.store(out_ptr + tl.program_id(0), total)


def f(x):
    m, n = x.shape
    out = torch.zeros(m)
    kernel[(m,)](x, out, n, BLOCK=triton.next_power_of_2(n))
    return out
