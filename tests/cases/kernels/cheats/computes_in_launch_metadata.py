# row: the metadata of a launch computes
# flags: torch_computation
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


def metadata(grid, kernel, args):
    args["out_ptr"].copy_(torch.add(args["x_ptr"], args["y_ptr"]))
    return {}


@triton.jit(launch_metadata=metadata)
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    tl.store(out_ptr + i, tl.load(out_ptr + i, mask=mask), mask=mask)


def f(x, y):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[(triton.cdiv(n, 256),)](x, y, out, n, BLOCK=256)
    return out
