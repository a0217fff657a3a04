# row: an inner function that launches
# reference: f(x) = x * 2.5
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    tl.store(o_ptr + i, x * 2.5, mask=m)


def f(x):
    n = x.numel()

    def run(src, dst):
        k[(triton.cdiv(n, 64),)](src, dst, n, BLOCK=64)

    result = torch.empty_like(x)
    run(x, result)
    return result
