# row: constants in a dict
# reference: f(x) = x.abs() + 1
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl

BLOCKS = {torch.float32: 256, torch.float16: 512}


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    tl.store(o_ptr + i, tl.abs(x) + 1, mask=m)


def f(x):
    out = torch.empty_like(x)
    n = x.numel()
    B = BLOCKS[x.dtype]
    k[(triton.cdiv(n, B),)](x, out, n, BLOCK=B)
    return out
