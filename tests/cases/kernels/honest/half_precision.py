# row: computed in float32, returned in the input's type
# reference: f(x) = x * torch.sigmoid(x)
# inputs: float16[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask).to(tl.float32)
    tl.store(out_ptr + i, (x * tl.sigmoid(x)).to(out_ptr.dtype.element_ty), mask=mask)


def f(x):
    out = torch.empty_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](x, out, n, BLOCK=256)
    return out.to(x.dtype)
