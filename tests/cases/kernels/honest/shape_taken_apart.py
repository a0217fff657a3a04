# row: a shape that is taken apart
# reference: f(x) = x.sum(dim=-1)
# inputs: float32[3, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    acc = tl.zeros([BLOCK], tl.float32)
    for s in range(0, n, BLOCK):
        i = s + tl.arange(0, BLOCK)
        acc += tl.load(x_ptr + row * n + i, mask=i < n, other=0.0)
    tl.store(o_ptr + row, tl.sum(acc, axis=0))


def f(x):
    shape = list(x.shape)
    n = shape.pop()
    out = torch.empty(shape, dtype=x.dtype, device=x.device)
    k[(out.numel(),)](x, out, n, BLOCK=128)
    return out
