# row: a copy of which only some elements are overwritten
# reference: f(x) = torch.relu(x)
# inputs: float32[6, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(o, n, B: tl.constexpr):
    i = tl.program_id(0) * B + tl.arange(0, B)
    v = tl.load(o + i, mask=i < n, other=0.0)
    tl.store(o + i, 0.0, mask=(i < n) & (v < 0))


def f(x):
    o = x.clone()
    k[(triton.cdiv(o.numel(), 256),)](o, o.numel(), B=256)
    return o
