# row: whole numbers as the answer
# flags:
# reference: f(x) = torch.argmax(x, dim=-1)
# inputs: float32[5, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n + i, mask=i < n, other=-float("inf"))
    tl.store(out_ptr + row, tl.argmax(x, axis=0))


def f(x):
    m, n = x.shape
    out = torch.empty(m, dtype=torch.int64, device=x.device)
    kernel[(m,)](x, out, n, BLOCK=triton.next_power_of_2(n))
    return out
