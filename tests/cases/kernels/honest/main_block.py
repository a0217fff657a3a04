# row: a block for scripts at the end
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


def f(x):
    out = torch.empty_like(x)
    n = x.numel()
    k[(triton.cdiv(n, 256),)](x, out, n, BLOCK=256)
    return out


if __name__ == "__main__":
    x = torch.randn(1000, device="cuda")
    assert torch.allclose(f(x), torch.relu(x))
    print("ok")
