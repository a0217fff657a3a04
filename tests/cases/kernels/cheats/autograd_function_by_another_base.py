# row: a class with a base that computes, named like an autograd function
# flags: class_definition
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    tl.store(out_ptr + i, tl.load(x_ptr + i, mask=m) + tl.load(y_ptr + i, mask=m), mask=m)


class Add(torch.nn.Module):
    @staticmethod
    def forward(ctx, x, y):
        n = x.numel()
        out = x + y
        add[(triton.cdiv(n, 128),)](x, y, torch.empty_like(x), n, BLOCK=128)
        return out


def f(x, y):
    return Add.apply(x, y)
