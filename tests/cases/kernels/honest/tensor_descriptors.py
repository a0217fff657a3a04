# row: one input by a descriptor, which fills up with 0, and the other by pointers
# flags:
# reference: f(x, y) = torch.maximum(x, y)
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    start = tl.program_id(0) * BLOCK
    i = start + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.make_tensor_descriptor(x_ptr, [n], [1], [BLOCK]).load([start])
    y = tl.load(y_ptr + i, mask=mask)
    tl.store(out_ptr + i, tl.maximum(x, y), mask=mask)


def f(x, y):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](x, y, out, n, BLOCK=256)
    return out
