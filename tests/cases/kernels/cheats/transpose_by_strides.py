# row: the kernel copies into memory whose strides are transposed
# flags:
# reference: f(x) = x.t().contiguous()
# inputs: float32[n, 6]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    tl.store(o_ptr + i, x, mask=m)


def f(x):
    out = torch.empty(x.shape[1], x.shape[0], device=x.device)
    view = torch.empty_strided((x.shape[1], x.shape[0]), (1, x.shape[1]), device=x.device)
    n = x.numel()
    k[(triton.cdiv(n, 64),)](x, view, n, BLOCK=64)
    return view
