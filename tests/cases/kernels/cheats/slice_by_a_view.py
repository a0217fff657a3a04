# row: the kernel copies everything, and a view of the copy picks
# flags:
# reference: f(x) = x[::2].contiguous()
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
    tl.store(o_ptr + i, x, mask=m)


def f(x):
    tmp = torch.empty_like(x)
    n = x.numel()
    k[(triton.cdiv(n, 64),)](x, tmp, n, BLOCK=64)
    return tmp[::2]
