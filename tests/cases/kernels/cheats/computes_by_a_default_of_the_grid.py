# row: the grid function is given a tensor by its default, and computes with it
# flags: not_allowed
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
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


def f(x, y):
    out = torch.zeros_like(x)
    n = x.numel()
    grid = lambda meta, a=x, b=y: (triton.cdiv(a.add_(b).numel(), meta["BLOCK"]),)
    kernel[grid](x, out, n, BLOCK=256)
    return out
