# row: an empty result made anew for empty inputs
# reference: f(x) = x + 3
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
    tl.store(o_ptr + i, x + 3, mask=m)


def f(x):
    n = x.numel()
    if not n:
        return x.new_empty(0)
    out = x.new_empty(x.shape)
    k[(triton.cdiv(n, 256),)](x, out, n, BLOCK=256)
    return out
