# row: a mask given as bytes
# reference: f(m, x, y) = torch.where(m, x, y)
# inputs: bool[n] float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(c_ptr, x_ptr, y_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    c = tl.load(c_ptr + i, mask=m, other=0) != 0
    x = tl.load(x_ptr + i, mask=m)
    y = tl.load(y_ptr + i, mask=m)
    tl.store(o_ptr + i, tl.where(c, x, y), mask=m)


def f(m, x, y):
    out = torch.empty_like(x)
    n = x.numel()
    k[(triton.cdiv(n, 128),)](m.to(torch.int8), x, y, out, n, BLOCK=128)
    return out
