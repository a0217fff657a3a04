# row: counts on fresh memory being zero
# flags:
# reference: f(x) = x.sum(dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n + i, mask=i < n, other=0.0)
    tl.atomic_add(out_ptr + row, tl.sum(x, axis=0))


def f(x):
    m, n = x.shape
    out = torch.empty(m, device=x.device)
    kernel[(m, triton.cdiv(n, 64))](x, out, n, BLOCK=64)
    return out
