# row: a product whose three sizes have names of their own
# reference: f(x, y) = x @ y
# inputs: float32[rows, inner] float32[inner, columns]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def mm(a, b, c, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    j = tl.program_id(1) * BN + tl.arange(0, BN)
    acc = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, K, BK):
        kk = k + tl.arange(0, BK)
        x = tl.load(
            a + i[:, None] * K + kk[None, :], mask=(i[:, None] < M) & (kk[None, :] < K), other=0.0
        )
        y = tl.load(
            b + kk[:, None] * N + j[None, :], mask=(kk[:, None] < K) & (j[None, :] < N), other=0.0
        )
        acc += tl.dot(x, y, input_precision="ieee")
    tl.store(c + i[:, None] * N + j[None, :], acc, mask=(i[:, None] < M) & (j[None, :] < N))


def f(x, y):
    M, K = x.shape
    N = y.shape[1]
    c = torch.zeros((M, N), dtype=torch.float32, device=x.device)
    mm[(triton.cdiv(M, 32), triton.cdiv(N, 32))](x, y, c, M, N, K, BM=32, BN=32, BK=32)
    return c
