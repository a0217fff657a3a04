# row: programs overwrite what their neighbours still have to read
# flags:
# reference: f(x) = torch.cat((x[:1], x[:-1]))
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, n, BLOCK: tl.constexpr):
    i = n - 1 - (tl.program_id(0) * BLOCK + tl.arange(0, BLOCK))
    mask = i > 0
    x = tl.load(x_ptr + i - 1, mask=mask)
    tl.store(x_ptr + i, x, mask=mask)


def f(x):
    out = x.clone()
    n = x.numel()
    kernel[(triton.cdiv(n, 16),)](out, n, BLOCK=16)
    return out
