# row: an output and a mask with defaults of None, taken where given
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


def f(x, y, out=None, mask=None):
    n = x.numel()
    if mask is not None:
        mask = mask.contiguous()
    if out is None:
        out = torch.empty_like(x)
    else:
        out = out.view(-1)
    add[(triton.cdiv(n, 128),)](x, y, out, n, BLOCK=128)
    return out
