# row: the short type, computed with in float32
# flags:
# reference: f(x) = torch.nn.functional.silu(x)
# inputs: bfloat16[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    x = x.to(tl.float32)
    tl.store(out_ptr + i, (x * tl.sigmoid(x)).to(tl.bfloat16), mask=mask)


def f(x):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](x, out, n, BLOCK=256)
    return out
