# row: memory that is set to zero afterwards
# reference: f(x) = x.sum()
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    s = tl.sum(tl.load(x_ptr + i, mask=i < n, other=0.0))
    tl.atomic_add(o_ptr, s, sem="relaxed")


def f(x):
    out = torch.empty((), dtype=torch.float32, device=x.device)
    out.zero_()
    n = x.numel()
    k[(triton.cdiv(n, 256),)](x, out, n, BLOCK=256)
    return out
