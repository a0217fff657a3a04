# row: a softmax in two loops over blocks
# flags:
# reference: f(x) = torch.softmax(x, dim=-1)
# inputs: float32[3, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    largest = -float("inf")
    total = 0.0
    for start in range(0, n, BLOCK):
        i = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * n + i, mask=i < n, other=-float("inf"))
        new = tl.maximum(largest, tl.max(x, axis=0))
        total = total * tl.exp(largest - new) + tl.sum(tl.exp(x - new), axis=0)
        largest = new
    for start in range(0, n, BLOCK):
        i = start + tl.arange(0, BLOCK)
        x = tl.load(x_ptr + row * n + i, mask=i < n)
        tl.store(out_ptr + row * n + i, tl.exp(x - largest) / total, mask=i < n)


def f(x):
    m, n = x.shape
    out = torch.empty_like(x)
    kernel[(m,)](x, out, n, BLOCK=128)
    return out
