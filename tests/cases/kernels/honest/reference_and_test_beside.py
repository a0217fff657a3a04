# row: a reference and a test beside the kernel
# reference: f(x) = torch.relu(x)
# inputs: float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def k(x_ptr, o_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    m = i < n
    x = tl.load(x_ptr + i, mask=m)
    tl.store(o_ptr + i, tl.maximum(x, 0.0), mask=m)


def reference(x):
    return torch.relu(x)


def f(x):
    out = torch.empty_like(x)
    n = x.numel()
    k[(triton.cdiv(n, 256),)](x, out, n, BLOCK=256)
    return out


def test_f():
    x = torch.randn(1000)
    torch.testing.assert_close(f(x), reference(x))
