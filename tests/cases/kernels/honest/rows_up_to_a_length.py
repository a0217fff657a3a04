# row: a sum of as many elements as a length says
# flags:
# reference: f(x, length) = torch.sum(torch.where(torch.arange(x.shape[1]) < length[:, None], x, 0.0), dim=-1)
# inputs: float32[5, n] int64[5]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, length_ptr, out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    length = tl.load(length_ptr + row)
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n + i, mask=i < length, other=0.0)
    tl.store(out_ptr + row, tl.sum(x, 0))


def f(x, length):
    m, n = x.shape
    out = torch.zeros(m, device=x.device)
    kernel[(m,)](x, length, out, n, BLOCK=triton.next_power_of_2(n))
    return out
