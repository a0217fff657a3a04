# row: bytes that become bools
# reference: f(x, y) = x >= y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, y_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    y = tl.load(y_ptr + i, mask=m)
    tl.store(o_ptr + i, (x >= y).to(tl.int8), mask=m)


def f(x, y):
    out = torch.zeros_like(x, dtype=torch.uint8)
    n = x.numel()
    k[(triton.cdiv(n, 128),)](x, y, out, n, BLOCK=128)
    return out.bool()
