# row: a name that first is a tensor, then a size
# reference: f(x) = torch.sum(x, dim=-1)
# inputs: float32[4, n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * n + i, mask=i < n, other=0.0)
    tl.store(out_ptr + row, tl.sum(x, axis=0))


def f(x):
    sizes = list(x.size())
    out = torch.zeros(sizes[:-1], dtype=torch.float32, device=x.device)
    rows = x.view(-1, sizes[-1])
    blocks = [rows.shape[0]]
    kernel[tuple(blocks)](rows, out, sizes[-1], BLOCK=triton.next_power_of_2(sizes[-1]))
    x = rows.shape[0]
    assert x + 1 > 1
    return out
