# row: torch's function imported by its name
# flags: torch_computation
# reference: f(x) = torch.sum(x, dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl
from torch import sum as add_up


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(out_ptr + i, x, mask=mask)


def f(x):
    total = add_up(x, dim=-1)
    out = torch.zeros_like(total)
    n = out.numel()
    kernel[(triton.cdiv(n, 256),)](total, out, n, BLOCK=256)
    return out
