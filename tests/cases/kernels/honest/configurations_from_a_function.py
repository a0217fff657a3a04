# row: a function that makes the configurations
# reference: f(x) = torch.exp(-x * x)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


def get_configs():
    return [triton.Config({"BLOCK": b}, num_warps=w) for b in (128, 256) for w in (2, 4)]


@triton.autotune(configs=get_configs(), key=["n"])
@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    tl.store(o_ptr + i, tl.exp(-x * x), mask=m)


def f(x):
    out = torch.empty_like(x)
    n = x.numel()
    k[lambda meta: (triton.cdiv(n, meta["BLOCK"]),)](x, out, n)
    return out
