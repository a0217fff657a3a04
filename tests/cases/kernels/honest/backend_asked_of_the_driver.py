# row: a helper that asks which backend there is, as the tutorials do
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


def is_cuda():
    return triton.runtime.driver.active.get_current_target().backend == "cuda"


def f(x, y):
    n = x.numel()
    out = torch.empty_like(x)
    block = 128 if is_cuda() else 64
    add[(triton.cdiv(n, block),)](x, y, out, n, BLOCK=block)
    return out
