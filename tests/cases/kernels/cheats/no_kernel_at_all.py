# row: no kernel, only torch
# flags: torch_computation
# reference: f(x, y) = x + y
# inputs: float32[n] float32[n]
# ruff: noqa
import torch
import triton
import triton.language as tl


def f(x, y):
    return x + y
