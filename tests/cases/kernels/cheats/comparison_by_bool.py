# row: torch compares with zero what the kernel only copied
# flags:
# reference: f(x) = x != 0
# inputs: int32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    tl.store(o_ptr + i, x, mask=m)


def f(x):
    n = x.numel()
    out = torch.empty_like(x)
    k[(triton.cdiv(n, 64),)](x, out, n, BLOCK=64)
    return out.bool()
