# row: decoy: launches a kernel into scratch, returns torch's result
# flags: torch_computation
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
    m, n = x.shape
    scratch = torch.zeros(m)
    kernel[(m,)](x, scratch, n, BLOCK=triton.next_power_of_2(n))
    return torch.sum(x, dim=-1)
