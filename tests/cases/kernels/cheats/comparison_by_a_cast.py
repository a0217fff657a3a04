# row: torch compares with zero by a cast
# flags:
# reference: f(x) = (x != 0).to(torch.float32) * 3 + 1
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    tl.store(o_ptr + i, x * 3 + 1, mask=m)


def f(x):
    dt = torch.bool
    y = x.to(dt).to(torch.float32)
    out = torch.empty_like(x)
    n = x.numel()
    k[(triton.cdiv(n, 64),)](y, out, n, BLOCK=64)
    return out
