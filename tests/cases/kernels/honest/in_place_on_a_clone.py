# row: a kernel that works in place on a copy
# reference: f(x) = torch.relu(x)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(x_ptr + i, tl.where(x > 0, x, 0.0), mask=mask)


def f(x):
    out = x.clone()
    n = out.numel()
    kernel[(triton.cdiv(n, 256),)](out, n, BLOCK=256)
    return out
