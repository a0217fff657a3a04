# row: a value carried out of torch through a text
# flags: torch_computation
# reference: f(x) = x.max()
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(out_ptr, value, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(out_ptr + i, mask=i < 1) + value, mask=i < 1)


def f(x):
    value = float(f"{max(x)}".split("(")[1].rstrip(")"))
    out = torch.zeros(())
    kernel[(1,)](out, value, BLOCK=1)
    return out
