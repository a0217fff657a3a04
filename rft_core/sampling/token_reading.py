"""Reading a completion that exists: how likely each of its tokens was, and how open the choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rft_core.sampling.adapters import only_adapter


@dataclass(frozen=True)
class CompletionReading:
    """Of each token of a completion its natural log probability, and the entropy (nats) of the
    distribution that it was drawn from, both at temperature 1."""

    logprobs: tuple[float, ...]
    entropies: tuple[float, ...]


def read_completion(
    model: Any, adapter: str | None, prompt: Sequence[int], completion: Sequence[int]
) -> CompletionReading:
    """One pass over prompt and completion; token t is judged by what stands before it."""
    if not completion:
        return CompletionReading((), ())
    device = next(model.parameters()).device
    ids = torch.tensor([[*prompt, *completion]], device=device)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode(), only_adapter(model, adapter):
            logits = model(input_ids=ids, logits_to_keep=len(completion) + 1).logits
    finally:
        model.train(was_training)
    logprobs = logits[0, :-1].float().log_softmax(-1)
    chosen = logprobs.gather(-1, ids[0, -len(completion) :, None])[:, 0]
    entropies = -(logprobs.exp() * logprobs.nan_to_num(neginf=0.0)).sum(-1)
    return CompletionReading(tuple(chosen.tolist()), tuple(entropies.tolist()))
