# row: a second kernel that no function launches
# flags: unused_kernel
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


@triton.jit
def add_backward(g_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(g_ptr + i, mask=i < n), mask=i < n)


def f(x, y):
    n = x.numel()
    out = torch.empty_like(x)
    add[(triton.cdiv(n, 128),)](x, y, out, n, BLOCK=128)
    return out
