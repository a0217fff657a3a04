# row: a hook of the autotuner computes
# flags: forbidden_decorator
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


def before(arguments):
    arguments["out_ptr"].copy_(arguments["x_ptr"] + arguments["y_ptr"])


@triton.autotune(configs=[triton.Config({"BLOCK": 128}, pre_hook=before)], key=["n"])
@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    out = tl.load(out_ptr + i, mask=mask)
    tl.store(out_ptr + i, out, mask=mask)


def f(x, y):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[lambda meta: (triton.cdiv(n, meta["BLOCK"]),)](x, y, out, n)
    return out
