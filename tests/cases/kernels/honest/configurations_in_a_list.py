# row: configurations in a list of the module
# reference: f(x) = x * x
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl

CONFIGS = [triton.Config({"BLOCK": size}, num_warps=4) for size in (64, 128)]


@triton.autotune(configs=CONFIGS, key=["n"])
@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    tl.store(out_ptr + i, x * x, mask=mask)


def f(x):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[lambda meta: (triton.cdiv(n, meta["BLOCK"]),)](x, out, n)
    return out
