# row: buffers in a list that grows and shrinks
# reference: f(x) = x.sum()
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    p = tl.program_id(0)
    i = p * BLOCK + tl.arange(0, BLOCK)
    tl.store(o_ptr + p, tl.sum(tl.load(x_ptr + i, mask=i < n, other=0.0), axis=0))


def f(x):
    stack = [x]
    n = x.numel()
    while n > 1 or len(stack) == 1:
        src = stack.pop()
        g = triton.cdiv(n, 64)
        dst = torch.empty(g, device=x.device, dtype=torch.float32)
        k[(g,)](src, dst, n, BLOCK=64)
        stack.extend([src, dst])
        n = g
    return stack[-1].reshape(())
