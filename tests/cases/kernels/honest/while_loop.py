# row: a loop over a row that the compiler does not unroll
# flags:
# reference: f(x) = x.amin(dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    smallest = tl.full((BLOCK,), float("inf"), tl.float32)
    start = 0
    while start < n:
        i = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * n + i, mask=i < n, other=float("inf"))
        smallest = tl.minimum(smallest, x)
        start += BLOCK
    tl.store(out_ptr + row, tl.min(smallest, axis=0))


def f(x):
    m, n = x.shape
    out = torch.empty(m, device=x.device)
    kernel[(m,)](x, out, n, BLOCK=64)
    return out
