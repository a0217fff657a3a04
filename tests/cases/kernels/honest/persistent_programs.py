# row: programs that walk in strides
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    start = tl.program_id(0) * BLOCK
    step = tl.num_programs(0) * BLOCK
    for base in range(start, n, step):
        i = base + tl.arange(0, BLOCK)
        mask = i < n
        x = tl.load(x_ptr + i, mask)
        y = tl.load(y_ptr + i, mask)
        tl.store(out_ptr + i, x + y, mask)


def f(x, y):
    out = torch.empty_like(x)
    kernel[(3,)](x, y, out, x.numel(), BLOCK=64)
    return out
