# row: the strides of a view do the moving
# reference: f(x) = x.t().contiguous()
# inputs: float32[n, 6]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, rows, cols, sr, sc, B: tl.constexpr):
    r = tl.program_id(0)
    c = tl.arange(0, B)
    v = tl.load(x_ptr + r * sr + c * sc, mask=c < cols)
    tl.store(o_ptr + r * cols + c, v, mask=c < cols)


def f(x):
    xt = x.t()
    rows, cols = xt.shape
    out = torch.empty(rows, cols, dtype=x.dtype, device=x.device)
    k[(rows,)](xt, out, rows, cols, xt.stride(0), xt.stride(1), B=triton.next_power_of_2(cols))
    return out
