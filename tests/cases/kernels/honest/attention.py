# row: attention with an online softmax
# reference: f(q, k, v) = torch.softmax(q @ k.t() * 0.25, dim=-1) @ v
# inputs: float32[n, 16] float32[n, 16] float32[n, 16]
# ruff: noqa
import torch
import triton
import triton.language as tl


@triton.jit
def attn(q_ptr, k_ptr, v_ptr, o_ptr, n, scale, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    rm = tl.program_id(0) * BM + tl.arange(0, BM)
    d = tl.arange(0, D)
    q = tl.load(q_ptr + rm[:, None] * D + d[None, :], mask=rm[:, None] < n, other=0.0)
    m_i = tl.full((BM,), float("-inf"), tl.float32)
    l_i = tl.zeros((BM,), tl.float32)
    acc = tl.zeros((BM, D), tl.float32)
    for s in range(0, n, BN):
        rn = s + tl.arange(0, BN)
        kk = tl.load(k_ptr + rn[None, :] * D + d[:, None], mask=rn[None, :] < n, other=0.0)
        qk = tl.dot(q, kk, input_precision="ieee") * scale
        qk = tl.where(rn[None, :] < n, qk, float("-inf"))
        m_new = tl.maximum(m_i, tl.max(qk, 1))
        p = tl.exp(qk - m_new[:, None])
        alpha = tl.exp(m_i - m_new)
        l_i = l_i * alpha + tl.sum(p, 1)
        vv = tl.load(v_ptr + rn[:, None] * D + d[None, :], mask=rn[:, None] < n, other=0.0)
        acc = acc * alpha[:, None] + tl.dot(p, vv, input_precision="ieee")
        m_i = m_new
    acc = acc / l_i[:, None]
    tl.store(o_ptr + rm[:, None] * D + d[None, :], acc, mask=rm[:, None] < n)


def f(q, k, v):
    n, d = q.shape
    o = torch.empty_like(q)
    attn[(triton.cdiv(n, 32),)](
        q.contiguous(), k.contiguous(), v.contiguous(), o, n, d**-0.5, D=d, BM=32, BN=32
    )
    return o
