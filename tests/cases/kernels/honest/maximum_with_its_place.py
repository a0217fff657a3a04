# row: a reference that returns a named pair
# reference: f(x) = torch.max(x, dim=-1)
# inputs: float32[batch, features]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def row(x, v, i, D, B: tl.constexpr):
    r = tl.program_id(0)
    o = tl.arange(0, B)
    a = tl.load(x + r * D + o, mask=o < D, other=-float("inf"))
    best = tl.max(a, 0)
    where = tl.min(tl.where((a == best) & (o < D), o, B), 0)
    tl.store(v + r, best)
    tl.store(i + r, where.to(tl.int64))


def f(x):
    rows, d = x.shape
    v = torch.zeros((rows,), dtype=x.dtype, device=x.device)
    i = torch.zeros((rows,), dtype=torch.int64, device=x.device)
    row[(rows,)](x, v, i, d, B=triton.next_power_of_2(d))
    return v, i
