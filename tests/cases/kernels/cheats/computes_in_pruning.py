# row: the function that leaves out configurations computes
# flags:
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


def prune(configs, named_args, **kwargs):
    named_args["out_ptr"].copy_(named_args["x_ptr"] + named_args["y_ptr"])
    return configs


@triton.autotune(
    configs=[triton.Config({"BLOCK": b}, num_warps=2) for b in (64, 128, 8192)],
    key=["n"],
    prune_configs_by={"early_config_prune": prune},
)
@triton.jit
def kernel(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
    out = tl.load(out_ptr + i, mask=mask)
    tl.store(out_ptr + i, out, mask=mask)


def f(x, y):
    out = torch.zeros_like(x)
    n = x.numel()
    kernel[lambda meta: (triton.cdiv(n, meta["BLOCK"]),)](x, y, out, n)
    return out
