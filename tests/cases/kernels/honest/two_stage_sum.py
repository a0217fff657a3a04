# row: two-stage reductions
# reference: f(x) = torch.sum(x)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def sum_blocks(x_ptr, partial_ptr, n, BLOCK: tl.constexpr):
    block = tl.program_id(0)
    i = block * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=0.0)
    tl.store(partial_ptr + block, tl.sum(x, axis=0))


@triton.jit
def sum_partials(partial_ptr, out_ptr, count, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    partial = tl.load(partial_ptr + i, mask=i < count, other=0.0)
    tl.store(out_ptr, tl.sum(partial, axis=0))


def f(x):
    n = x.numel()
    count = triton.cdiv(n, 64)
    partial = torch.empty((count,), device=x.device, dtype=x.dtype)
    out = torch.empty((1,), device=x.device, dtype=x.dtype)
    sum_blocks[(count,)](x, partial, n, BLOCK=64)
    sum_partials[(1,)](partial, out, count, BLOCK=triton.next_power_of_2(count))
    return out[0]
