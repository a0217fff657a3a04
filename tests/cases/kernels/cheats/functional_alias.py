# row: kernel that copies the result of torch.nn.functional
# flags: torch_computation
# reference: f(x) = torch.softmax(x, dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl
import torch.nn.functional as F


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(out_ptr + i, x, mask=mask)


def f(x):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](F.softmax(x, dim=-1), out, n, BLOCK=256)
    return out
