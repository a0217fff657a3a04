# row: block pointers with boundary checks
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    start = tl.program_id(0) * BLOCK
    x_block = tl.make_block_ptr(x_ptr, (n,), (1,), (start,), (BLOCK,), (0,))
    y_block = tl.make_block_ptr(y_ptr, (n,), (1,), (start,), (BLOCK,), (0,))
    out_block = tl.make_block_ptr(out_ptr, (n,), (1,), (start,), (BLOCK,), (0,))
    x = tl.load(x_block, boundary_check=(0,), padding_option="zero")
    y = tl.load(y_block, boundary_check=(0,), padding_option="zero")
    tl.store(out_block, x + y, boundary_check=(0,))


def f(x, y):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](x, y, out, n, BLOCK=256)
    return out
