# row: metadata of a launch for a profiler
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


def _meta(grid, kernel, args):
    ret = {"name": f"{kernel.name} [n={args['n']}]"}
    ret[f"flops{8 * args['x_ptr'].element_size()}"] = 1.0 * args["n"]
    return ret


@triton.jit(launch_metadata=_meta)
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


def f(x, y):
    n = x.numel()
    out = torch.empty_like(x)
    add[(triton.cdiv(n, 128),)](x, y, out, n, BLOCK=128)
    return out
