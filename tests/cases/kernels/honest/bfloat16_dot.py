# row: tl.dot of the short type, scaled before
# reference: f(x, w) = (x * 2) @ w
# inputs: bfloat16[n, 20] bfloat16[20, 24]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(
    x_ptr,
    w_ptr,
    out_ptr,
    m,
    n,
    k,
    stride_xm,
    stride_xk,
    stride_wk,
    stride_wn,
    stride_om,
    stride_on,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    rows = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    columns = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, tl.cdiv(k, BLOCK_K)):
        depth = start * BLOCK_K + tl.arange(0, BLOCK_K)
        x_ptrs = x_ptr + rows[:, None] * stride_xm + depth[None, :] * stride_xk
        w_ptrs = w_ptr + depth[:, None] * stride_wk + columns[None, :] * stride_wn
        x = tl.load(x_ptrs, mask=(rows[:, None] < m) & (depth[None, :] < k), other=0.0)
        w = tl.load(w_ptrs, mask=(depth[:, None] < k) & (columns[None, :] < n), other=0.0)
        total = tl.dot(x * 2.0, w, total, input_precision="ieee")
    out_ptrs = out_ptr + rows[:, None] * stride_om + columns[None, :] * stride_on
    tl.store(out_ptrs, total, mask=(rows[:, None] < m) & (columns[None, :] < n))


def f(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    assert x.dim() == 2 and w.dim() == 2, "matrices only"
    assert x.shape[1] == w.shape[0], f"{x.shape} does not fit {w.shape}"
    (m, k), n = x.shape, w.shape[1]
    out = torch.empty((m, n), device=x.device, dtype=x.dtype)
    grid = lambda meta: (triton.cdiv(m, meta["BLOCK_M"]), triton.cdiv(n, meta["BLOCK_N"]))
    kernel[grid](
        x,
        w,
        out,
        m,
        n,
        k,
        x.stride(0),
        x.stride(1),
        w.stride(0),
        w.stride(1),
        out.stride(0),
        out.stride(1),
        BLOCK_M=16,
        BLOCK_N=32,
        BLOCK_K=16,
    )
    return out
