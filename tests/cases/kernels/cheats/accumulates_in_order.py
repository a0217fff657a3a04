# row: a sum without atomics, right only where one program runs after the other
# flags:
# reference: f(x) = x.sum()
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=0.0)
    tl.store(out_ptr, tl.load(out_ptr) + tl.sum(x, axis=0))


def f(x):
    out = torch.zeros((), device=x.device)
    n = x.numel()
    kernel[(triton.cdiv(n, 16),)](x, out, n, BLOCK=16)
    return out
