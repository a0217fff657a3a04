# row: a scan by a function of one's own
# reference: f(x) = torch.cummax(x, dim=-1).values
# inputs: float32[3, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def mx(a, b):
    return tl.maximum(a, b)


@triton.jit
def k(x_ptr, o_ptr, n, B: tl.constexpr):
    r = tl.program_id(0)
    i = tl.arange(0, B)
    x = tl.load(x_ptr + r * n + i, mask=i < n, other=float("-inf"))
    tl.store(o_ptr + r * n + i, tl.associative_scan(x, 0, mx), mask=i < n)


def f(x):
    r, n = x.shape
    out = torch.empty_like(x)
    k[(r,)](x, out, n, B=triton.next_power_of_2(n))
    return out
