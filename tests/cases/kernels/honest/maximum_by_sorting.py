# row: sorted rows
# reference: f(x) = torch.topk(x, 1, dim=-1).values
# inputs: float32[9, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, n, B: tl.constexpr):
    r = tl.program_id(0)
    i = tl.arange(0, B)
    x = tl.load(x_ptr + r * n + i, mask=i < n, other=float("-inf"))
    s = tl.sort(x, descending=True)
    tl.store(o_ptr + r, tl.max(s, 0))


def f(x):
    r, n = x.shape
    out = torch.empty(r, 1, device=x.device)
    k[(r,)](x, out, n, B=triton.next_power_of_2(n))
    return out
