# row: three values reduced together by a function of one's own
# reference: f(x) = torch.var(x, dim=-1, unbiased=False)
# inputs: float32[3, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def comb(m1, s1, n1, m2, s2, n2):
    n = n1 + n2
    d = m2 - m1
    w = tl.where(n == 0, 0.0, n2 / tl.where(n == 0, 1.0, n))
    return m1 + d * w, s1 + s2 + d * d * n1 * w, n


@triton.jit
def k(x_ptr, o_ptr, n, B: tl.constexpr):
    r = tl.program_id(0)
    i = tl.arange(0, B)
    x = tl.load(x_ptr + r * n + i, mask=i < n, other=0.0)
    c = tl.where(i < n, 1.0, 0.0)
    m, s, cnt = tl.reduce((x, tl.zeros([B], tl.float32), c), 0, comb)
    tl.store(o_ptr + r, s / cnt)


def f(x):
    r, n = x.shape
    out = torch.empty(r, device=x.device)
    k[(r,)](x, out, n, B=triton.next_power_of_2(n))
    return out
