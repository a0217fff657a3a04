# row: a reduction that keeps its axis
# reference: f(x) = x / x.abs().amax(dim=1, keepdim=True)
# inputs: float32[n, 6]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def mx(a, b):
    return tl.where(a > b, a, b)


@triton.jit
def k(x_ptr, o_ptr, n, c, B: tl.constexpr, C: tl.constexpr):
    r = tl.program_id(0) * B + tl.arange(0, B)
    j = tl.arange(0, C)
    m = (r[:, None] < n) & (j[None, :] < c)
    x = tl.load(x_ptr + r[:, None] * c + j[None, :], mask=m, other=0.0)
    t = tl.reduce(tl.abs(x), 1, mx, keep_dims=True)
    tl.store(o_ptr + r[:, None] * c + j[None, :], x / t, mask=m)


def f(x):
    n, c = x.shape
    out = torch.empty_like(x)
    k[(triton.cdiv(n, 16),)](x, out, n, c, B=16, C=8)
    return out
