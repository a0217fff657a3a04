"""PPO's two losses over the tokens of a batch. Pure functions over tensors [rows, columns].

Both are sums over the batch's own tokens, divided by the tokens of the whole step. So however a
step is cut into batches, what they add up to is the same. Sources: clipped policy loss, arXiv
1707.06347, eq. 7; clipped value loss as in OpenAI's baselines (see "The 37 implementation details
of PPO", detail 9).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Clipping:
    """How far one rollout may carry: the ratio from 1 - `low` to 1 + `high`, a value by `value`."""

    low: float
    high: float
    value: float


@dataclass(frozen=True)
class Rollout:
    """What was known of the tokens when they were sampled; see `token_advantages.py`."""

    logprobs: torch.Tensor
    values: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor
    mask: torch.Tensor


@dataclass(frozen=True)
class PPOLoss:
    """`policy` and `value` carry a gradient. The rest are numbers, over the batch's tokens."""

    policy: torch.Tensor
    value: torch.Tensor
    clipped: float  # share of tokens that pull no more, for the ratio has gone far enough
    value_clipped: float  # the same of their values
    ratio: float  # mean; 1 before the first update


def measure_ppo_loss(
    logprobs: torch.Tensor,
    values: torch.Tensor,
    rollout: Rollout,
    clipping: Clipping,
    num_tokens: torch.Tensor | float,
) -> PPOLoss:
    """`logprobs` and `values` of the policy now; `num_tokens` of the whole step."""
    mask = rollout.mask
    ratio = torch.exp((logprobs - rollout.logprobs) * mask)
    near = ratio.clamp(1 - clipping.low, 1 + clipping.high)
    gain, near_gain = ratio * rollout.advantages, near * rollout.advantages
    moved = rollout.values + (values - rollout.values).clamp(-clipping.value, clipping.value)
    error, moved_error = (values - rollout.returns) ** 2, (moved - rollout.returns) ** 2

    def add_up(numbers: torch.Tensor) -> torch.Tensor:
        return (numbers * mask).sum() / num_tokens

    def average(numbers: torch.Tensor) -> float:
        return float((numbers.detach() * mask).sum() / mask.sum().clamp(min=1))

    return PPOLoss(
        policy=-add_up(torch.minimum(gain, near_gain)),
        value=0.5 * add_up(torch.maximum(error, moved_error)),
        clipped=average((near_gain < gain).float()),
        value_clipped=average((moved_error > error).float()),
        ratio=average(ratio),
    )
