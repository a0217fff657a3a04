# row: the short type, computed with as it is
# flags:
# reference: f(x, y) = torch.where(x > y, x - y, (x > 0).to(torch.bfloat16) * 3)
# inputs: bfloat16[n] bfloat16[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    y = tl.load(y_ptr + i, mask=mask)
    tl.store(out_ptr + i, tl.where(x > y, x - y, (x > 0).to(tl.bfloat16) * 3), mask=mask)


def f(x, y):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 128),)](x, y, out, n, BLOCK=128)
    return out
