# row: torch rounds by a cast to integers
# flags:
# reference: f(x) = torch.trunc(x)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(out_ptr + i, x, mask=mask)


def f(x):
    whole = x.to(torch.int32).to(x.dtype)
    out = torch.zeros_like(x)
    n = out.numel()
    kernel[(triton.cdiv(n, 256),)](whole, out, n, BLOCK=256)
    return out
