# row: notes to a logger, and a warning
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import logging
import warnings
import torch
import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


logger = logging.getLogger(__name__)


def f(x, y):
    n = x.numel()
    logger.debug("f of %d elements", n)
    if n == 0:
        warnings.warn("nothing to add")
    out = torch.empty_like(x)
    add[(triton.cdiv(n, 128),)](x, y, out, n, BLOCK=128)
    return out
