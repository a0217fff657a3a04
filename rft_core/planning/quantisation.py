"""Weights of fewer bits: whether they can be had here, and what they weigh."""

from __future__ import annotations

import importlib.util

from rft_core.model_files import ModelSummary

# Of a quantised weight, its constants included: NF4 in blocks of 64 with double quantisation, and
# one scale for each row of 8-bit weights.
BYTES_OF_A_WEIGHT = {4: 0.52, 8: 1.01}


def find_obstacle(*, has_gpu: bool) -> str:
    """Why bitsandbytes cannot run here; empty where it can."""
    if importlib.util.find_spec("bitsandbytes") is None:
        return "bitsandbytes is not installed here"
    return "" if has_gpu else "bitsandbytes computes on a GPU, and there is none"


def count_weight_bytes(model: ModelSummary, width: int, bits: int | None) -> int:
    """Of the base: embeddings, head and norms keep their type of `width` bytes."""
    if bits is None:
        return model.parameters * width
    quantised = sum(
        layer.in_features * layer.out_features * layer.count for layer in model.linear_layers
    )
    kept = max(0, model.parameters - quantised)
    return int(kept * width + quantised * BYTES_OF_A_WEIGHT[bits])
