# row: a transposed copy by strides
# reference: f(x) = x.t().contiguous()
# inputs: float32[n, 6]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, m, n, stride_m, stride_n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < m * n
    row, column = i // n, i % n
    x = tl.load(x_ptr + row * stride_m + column * stride_n, mask=mask)
    tl.store(out_ptr + i, x, mask=mask)


def f(x):
    x = x.contiguous()
    turned = x.t()
    m, n = turned.shape
    out = torch.empty((m, n), dtype=x.dtype, device=x.device)
    grid = (triton.cdiv(m * n, 128),)
    kernel[grid](turned, out, m, n, turned.stride(0), turned.stride(1), BLOCK=128)
    return out
