# row: kernel that adds 0 to torch's result
# flags: torch_computation
# reference: f(x) = torch.softmax(x, dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(out_ptr + i, x + 0.0, mask=mask)


def f(x):
    y = torch.softmax(x, dim=-1)
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](y, out, n, BLOCK=256)
    return out
