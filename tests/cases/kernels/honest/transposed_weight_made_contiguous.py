# row: non-contiguous inputs made contiguous, a view of a weight among them
# reference: f(x, w) = x @ w.t()
# inputs: float32[n, 20] float32[24, 20]
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
        total = tl.dot(x, w, total, input_precision="ieee")
    out_ptrs = out_ptr + rows[:, None] * stride_om + columns[None, :] * stride_on
    tl.store(out_ptrs, total, mask=(rows[:, None] < m) & (columns[None, :] < n))


def f(x, w):
    x = x.contiguous()
    w = w.transpose(0, 1).contiguous()
    m, k = x.shape
    n = w.size(1)
    out = x.new_zeros((m, n))
    grid = (triton.cdiv(m, 16), triton.cdiv(n, 16))
    kernel[grid](
        x,
        w,
        out,
        m,
        n,
        k,
        *x.stride(),
        *w.stride(),
        *out.stride(),
        BLOCK_M=16,
        BLOCK_N=16,
        BLOCK_K=32,
    )
    return out
