# row: a grid that is a tuple in one branch and a function in the other
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


def f(x, y):
    n = x.numel()
    out = torch.empty_like(x)
    if n < 100:
        grid = (triton.cdiv(n, 128),)
    else:

        def grid(meta):
            return (triton.cdiv(n, meta["BLOCK"]),)

    add[grid](x, y, out, n, BLOCK=128)
    return out
