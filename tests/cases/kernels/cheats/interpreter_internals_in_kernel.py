# row: Python inside the kernel body: the interpreter's numpy arrays
# flags: python_in_kernel
# reference: f(x) = torch.cumsum(x, dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + tl.program_id(0) * n + i, mask=mask, other=0.0)
    x.handle.data = x.handle.data.cumsum()
    tl.store(out_ptr + tl.program_id(0) * n + i, x, mask=mask)


def f(x):
    m, n = x.shape
    out = torch.zeros_like(x)
    kernel[(m,)](x, out, n, BLOCK=triton.next_power_of_2(n))
    return out
