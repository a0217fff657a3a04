# row: torch copies element by element in another order
# flags:
# reference: f(x) = torch.flip(x, [0])
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
    n = x.numel()
    tmp = torch.empty_like(x)
    k[(triton.cdiv(n, 64),)](x, tmp, n, BLOCK=64)
    out = torch.empty_like(x)
    for i in range(n):
        out[n - 1 - i].copy_(tmp[i])
    return out
