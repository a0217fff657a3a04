# row: torch rounds by a cast to a type that has a name
# flags:
# reference: f(x) = torch.trunc(x) * 2 + 1
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
    tl.store(o_ptr + i, x * 2 + 1, mask=m)


def f(x):
    dt = torch.int32
    whole = x.to(dt).to(x.dtype)
    out = torch.empty_like(x)
    n = x.numel()
    k[(triton.cdiv(n, 64),)](whole, out, n, BLOCK=64)
    return out
