# row: rows of whole numbers picked by others
# flags:
# reference: f(x, index) = torch.index_select(x, 0, index)
# inputs: int64[7, n] int32[5]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, index_ptr, out_ptr, n, BLOCK: tl.constexpr):
    place = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    mask = i < n
    row = tl.load(index_ptr + place)
    x = tl.load(x_ptr + row * n + i, mask=mask)
    tl.store(out_ptr + place * n + i, x, mask=mask)


def f(x, index):
    n, count = x.shape[1], index.numel()
    out = torch.zeros((count, n), device=x.device, dtype=x.dtype)
    kernel[(count,)](x, index, out, n, BLOCK=triton.next_power_of_2(n))
    return out
