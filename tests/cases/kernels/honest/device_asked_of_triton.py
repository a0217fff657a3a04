# row: the device asked of Triton, an import that is not used, a grid that keeps a size
# reference: f(x, y) = x + y
# inputs: float32[3, n] float32[3, n]
# ruff: noqa
import numpy as np
import torch
import triton
import triton.language as tl
from triton.runtime import driver

DEVICE = triton.runtime.driver.active.get_active_torch_device()


@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    y = tl.load(y_ptr + i, mask=mask)
    tl.store(out_ptr + i, x + y, mask=mask)


def f(x, y):
    assert x.device == DEVICE and y.device == driver.active.get_active_torch_device()
    out = torch.empty(x.shape, dtype=x.dtype, device=DEVICE)
    n = out.numel()
    grid = lambda meta, n=n: (triton.cdiv(n, meta["BLOCK"]),)
    if n < 128:
        kernel[lambda meta, size=n: (triton.cdiv(size, meta["BLOCK"]),)](x, y, out, n, BLOCK=16)
    else:
        kernel[grid](x, y, out, n, BLOCK=128)
    return out
