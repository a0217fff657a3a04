# row: block sizes by the capability of the device
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


def f(x, y):
    n = x.numel()
    sms = torch.cuda.get_device_properties(x.device).multi_processor_count
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    major, minor = torch.cuda.get_device_capability()
    block = 256 if major >= 9 else 128
    add[(triton.cdiv(n, block),)](x, y, out, n, BLOCK=block)
    return out
