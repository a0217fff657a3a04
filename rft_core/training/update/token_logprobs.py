"""How likely each token was, without keeping the logits that say so.

The log probability of the token y that follows the state h is log softmax(W h / T)[y], and what it
gives back to h is one vector as long as h: (W[y] - softmax(W h / T) W) / T. Where W is frozen, as
beside a LoRA adapter, nothing else is ever asked of the logits. So that vector is computed while
they are at hand, a piece of the tokens at a time, and the backward pass only scales it: the work is
what autograd would do, the memory is that of the states. The entropy H of p = softmax(W h / T)
gives back -(p (log p + H)) W / T, computed alike, and only where a loss asks for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.nn import functional

from rft_core.planning.facts import LOGITS_AT_ONCE


class TokenReading(NamedTuple):
    """Of completions, each [rows, columns], in float32, zero where no token is.

    `values`: of the states that the tokens follow from; None where no value head reads them.
    """

    logprobs: torch.Tensor
    entropies: torch.Tensor
    values: torch.Tensor | None = None


def score_tokens(
    states: torch.Tensor,
    targets: torch.Tensor,
    head: torch.nn.Linear,
    temperature: float,
    *,
    entropies_pull: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Natural log probabilities [N] of `targets` [N], and entropies [N], both in float32.

    `states` [N, width] are what the model's last norm gives. The log probabilities carry a
    gradient, and the entropies do where they pull; only to the states: `head` must be frozen.
    """
    if head.weight.requires_grad:
        raise ValueError("a head that is trained needs the logits")
    scored: tuple[torch.Tensor, torch.Tensor] = _TokenScores.apply(  # type: ignore[no-untyped-call]
        states, targets, head, temperature, entropies_pull
    )
    return scored


class _TokenScores(torch.autograd.Function):
    """Forward computes the gradient too; see the module."""

    @staticmethod
    def forward(  # noqa: PLR0917  # as autograd calls it
        ctx: Any,
        states: torch.Tensor,
        targets: torch.Tensor,
        head: torch.nn.Linear,
        temperature: float,
        entropies_pull: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logprobs = torch.empty(targets.shape, device=states.device)
        entropies = torch.empty_like(logprobs)
        pulls = torch.empty(states.shape, device=states.device) if ctx.needs_input_grad[0] else None
        stirs = torch.empty_like(pulls) if pulls is not None and entropies_pull else None
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
            if stirs is not None:
                surprise = likely * (every + entropies[at, None])
                stirs[at] = -(surprise.to(weight.dtype) @ weight) / temperature
        if stirs is None:
            ctx.mark_non_differentiable(entropies)
        ctx.dtype = states.dtype
        ctx.save_for_backward(pulls, stirs)
        return logprobs, entropies

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        pulls, stirs = ctx.saved_tensors
        total = gradients[0][:, None] * pulls
        if stirs is not None:
            total = total + gradients[1][:, None] * stirs
        return total.to(ctx.dtype), None, None, None, None
