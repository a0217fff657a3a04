# row: local names that are also Python's
# reference: f(x) = torch.relu(x) - 1.0
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(input, output, size, BLOCK: tl.constexpr):
    id = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = id < size
    max = tl.maximum(tl.load(input + id, mask=mask), 0.0)
    tl.store(output + id, max - 1.0, mask=mask)


def f(input):
    output = torch.full_like(input, 0)
    sum = input.numel()
    kernel[(triton.cdiv(sum, 256),)](input, output, sum, BLOCK=256)
    return output
