# row: only the trivial operation in Triton, the heavy one in a default
# flags: module_state
# reference: f(x, w) = torch.relu(x @ w)
# inputs: float32[n, 8] float32[8, 6]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(out_ptr + i, tl.maximum(x, 0.0), mask=mask)


def f(x, w, multiply=torch.matmul):
    product = multiply(x, w)
    out = torch.zeros_like(product)
    n = out.numel()
    kernel[(triton.cdiv(n, 256),)](product, out, n, BLOCK=256)
    return out
