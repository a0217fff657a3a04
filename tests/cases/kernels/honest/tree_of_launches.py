# row: reductions by many launches in a loop
# reference: f(x) = torch.amax(x)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def halve(x_ptr, out_ptr, n, BLOCK: tl.constexpr):
    block = tl.program_id(0)
    i = block * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n, other=-float("inf"))
    tl.store(out_ptr + block, tl.max(x, axis=0))


def f(x):
    current, n = x, x.numel()
    while True:
        blocks = (n + 31) // 32
        out = torch.full((blocks,), -float("inf"), device=x.device)
        halve[(blocks,)](current, out, n, BLOCK=32)
        current, n = out, blocks
        if n == 1:
            return out.view(())
