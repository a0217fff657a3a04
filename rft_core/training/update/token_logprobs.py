"""How likely each token was, without keeping the logits that say so.

The log probability of the token y that follows the state h is log softmax(W h / T)[y], and what it
gives back to h is one vector as long as h: (W[y] - softmax(W h / T) W) / T. Where W is frozen, as
beside a LoRA adapter, nothing else is ever asked of the logits. So that vector is computed while
they are at hand, a piece of the tokens at a time, and the backward pass only scales it: the work is
what autograd would do, the memory is that of the states.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

LOGITS_AT_ONCE = 2**24  # numbers


def score_tokens(
    states: torch.Tensor, targets: torch.Tensor, head: torch.nn.Linear, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Natural log probabilities [N] of `targets` [N], and entropies [N], both in float32.

    `states` [N, width] are what the model's last norm gives. Only the log probabilities carry a
    gradient, and only to the states: `head` must be frozen.
    """
    if head.weight.requires_grad:
        raise ValueError("a head that is trained needs the logits")
    scored: tuple[torch.Tensor, torch.Tensor] = _TokenScores.apply(  # type: ignore[no-untyped-call]
        states, targets, head, temperature
    )
    return scored


class _TokenScores(torch.autograd.Function):
    """Forward computes the gradient too; see the module."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        targets: torch.Tensor,
        head: torch.nn.Linear,
        temperature: float,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logprobs = torch.empty(targets.shape, device=states.device)
        entropies = torch.empty_like(logprobs)
        pulls = torch.empty(states.shape, device=states.device) if ctx.needs_input_grad[0] else None
        weight = head.weight
        size = max(1, LOGITS_AT_ONCE // weight.shape[0])
        for start in range(0, len(targets), size):
            at = slice(start, start + size)
            wanted = targets[at, None]
            logits = functional.linear(states[at], weight, head.bias).float() / temperature
            every = logits.log_softmax(dim=-1)
            likely = every.exp()
            logprobs[at] = every.gather(1, wanted)[:, 0]
            entropies[at] = -(likely * every).sum(dim=-1)
            if pulls is not None:
                expected = likely.to(weight.dtype) @ weight
                pulls[at] = (weight[targets[at]] - expected) / temperature
        ctx.mark_non_differentiable(entropies)
        ctx.dtype = states.dtype
        ctx.save_for_backward(pulls)
        return logprobs, entropies

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (pulls,) = ctx.saved_tensors
        return (gradients[0][:, None] * pulls).to(ctx.dtype), None, None, None
