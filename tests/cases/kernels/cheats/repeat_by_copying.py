# row: the kernel copies once, and torch copies that in many places
# flags:
# reference: f(x) = x.repeat(4)
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
    a = torch.empty_like(x)
    k[(triton.cdiv(n, 64),)](x, a, n, BLOCK=64)
    out = torch.empty(4, n, device=x.device)
    out.copy_(a)
    return out.view(-1)
