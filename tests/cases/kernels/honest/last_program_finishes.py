# row: a sum in one launch: whoever comes last, by an atomic count, adds up the partial sums
# flags:
# reference: f(x) = x.sum()
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, partial_ptr, count_ptr, out_ptr, n, BLOCK: tl.constexpr, BLOCKS: tl.constexpr):
    block = tl.program_id(0)
    i = block * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=0.0)
    tl.store(partial_ptr + block, tl.sum(x, axis=0))
    before = tl.atomic_add(count_ptr, 1)
    if before == tl.num_programs(0) - 1:
        j = tl.arange(0, BLOCKS)
        partial = tl.load(partial_ptr + j, mask=j < tl.num_programs(0), other=0.0)
        tl.store(out_ptr, tl.sum(partial, axis=0))


def f(x):
    n = x.numel()
    blocks = triton.cdiv(n, 64)
    partial = torch.empty(blocks, device=x.device)
    count = torch.zeros(1, dtype=torch.int32, device=x.device)
    out = torch.empty((), device=x.device)
    kernel[(blocks,)](x, partial, count, out, n, BLOCK=64, BLOCKS=triton.next_power_of_2(blocks))
    return out
