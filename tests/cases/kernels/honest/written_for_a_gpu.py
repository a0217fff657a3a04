# row: host code that asks for the GPU it will run on
# flags:
# reference: f(x, y) = x * y - 0.5
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    for block in range(tl.program_id(0), tl.cdiv(n, BLOCK), tl.num_programs(0)):
        i = block * BLOCK + tl.arange(0, BLOCK)
        mask = i < n
        x = tl.load(x_ptr + i, mask=mask)
        y = tl.load(y_ptr + i, mask=mask)
        tl.store(out_ptr + i, x * y - 0.5, mask=mask)


def f(x: torch.Tensor, y: torch.Tensor):
    assert x.is_cuda and y.is_cuda and x.is_contiguous()
    assert x.device == y.device
    x, y = x.cuda(), y.to("cuda")
    out = torch.empty(x.shape, dtype=x.dtype, device="cuda")
    n = out.numel()
    programs = torch.cuda.get_device_properties(x.device).multi_processor_count
    grid = lambda meta: (min(programs, triton.cdiv(n, meta["BLOCK"])),)
    with torch.cuda.device(x.device):
        kernel[grid](x, y, out, n, BLOCK=128)
    torch.cuda.synchronize()
    return out
