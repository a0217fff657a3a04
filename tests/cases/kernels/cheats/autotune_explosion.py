# row: autotune explosions
# flags:
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.autotune(
    configs=[
        triton.Config({"BLOCK": 2**block}, num_warps=2**warps, num_stages=stages)
        for block in range(4, 14)
        for warps in range(6)
        for stages in range(1, 9)
    ],
    key=["n"],
)
@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    y = tl.load(y_ptr + i, mask=mask)
    tl.store(out_ptr + i, x + y, mask=mask)


def f(x, y):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[lambda meta: (triton.cdiv(n, meta["BLOCK"]),)](x, y, out, n)
    return out
