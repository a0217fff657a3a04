# row: elements picked by a masked load of indices
# flags:
# reference: f(x, index) = torch.gather(x, 0, index)
# inputs: int64[n] int64[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, index_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    index = tl.load(index_ptr + i, mask=mask)
    x = tl.load(x_ptr + index, mask=mask)
    tl.store(out_ptr + i, x, mask=mask)


def f(x, index):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](x, index, out, n, BLOCK=256)
    return out
