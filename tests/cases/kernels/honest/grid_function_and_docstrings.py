# row: a grid as an inner function, docstrings, annotations
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl

"""Adds two vectors: no torch.add(x, y) anywhere."""


@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """x @ y, exec and try/except are only words here."""
    # torch.sum(x)
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    x = tl.load(x_ptr + i, mask=mask)
    y = tl.load(y_ptr + i, mask=mask)
    tl.store(out_ptr + i, x + y, mask=mask)


def f(x: torch.Tensor, y: "torch.Tensor") -> torch.Tensor:
    """Launch."""
    out: torch.Tensor = torch.zeros_like(x)
    n: int = x.numel()

    def grid(meta):
        return (triton.cdiv(n, meta["BLOCK"]),)

    kernel[grid](x, y, out, n, BLOCK=256)
    return out
