"""From one score per completion to an advantage per token. Pure functions over tensors.

All tensors are [rows, columns], a row for each completion, and `mask` is 1 where a token is the
policy's own. What is not (padding, text that an environment wrote) has no reward, no value and no
advantage, and is stepped over: the next state of a token is that of the policy's next token.

Sources: generalised advantage estimation, arXiv 1506.02438, eq. 16; KL to the reference inside the
reward, arXiv 1909.08593, eq. 2, and ReFT, arXiv 2401.08967, section 3.2; the estimators k1 and k3,
J. Schulman, "Approximating KL divergence" (2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

LEAST_STD = 1e-8


@dataclass(frozen=True)
class TokenAdvantages:
    """`returns`: what the value should have been, advantage and value together."""

    advantages: torch.Tensor
    returns: torch.Tensor


def kl_k1(logprobs: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Of sampled tokens, in nats: log pi - log ref. Its mean is KL(pi || ref); it may be below 0.

    As a reward it is right in its gradient too: the policy's gradient of -k1 is that of -KL.
    """
    return logprobs - reference


def kl_k3(logprobs: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Of sampled tokens, in nats: ref / pi - 1 - log(ref / pi). The same mean, never below 0.

    Less noisy than k1, so it is what charts show, for PPO as for GRPO.
    """
    log_ratio = reference - logprobs
    return log_ratio.exp() - 1 - log_ratio


def token_rewards(
    scores: torch.Tensor, kl: torch.Tensor, mask: torch.Tensor, beta: float
) -> torch.Tensor:
    """`scores` [rows] on the last token of each row, and -beta * kl on all of its tokens.

    The last token is told by the mask, whatever its id is: the end token may be the padding token,
    and a completion that was cut off has no end token. A row without any token gets nothing.
    """
    rewards = -beta * kl * mask
    columns = torch.arange(mask.shape[1], device=mask.device)
    last = (columns * mask.long()).argmax(dim=1)
    has_token = mask.any(dim=1)
    row = torch.arange(len(mask), device=mask.device)
    rewards[row, last] += torch.where(has_token, scores, torch.zeros_like(scores))
    return rewards


def estimate_advantages(
    rewards: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor,
    *,
    gamma: float,
    lam: float,
) -> TokenAdvantages:
    """GAE: A_t = d_t + gamma lam A_(t+1), with d_t = r_t + gamma V_(t+1) - V_t.

    After the last token of a row nothing comes: its next value and its next advantage are 0.
    `values` at a token are those of the state before it, in which it was chosen.
    """
    advantages = torch.zeros_like(rewards)
    next_value = next_advantage = rewards.new_zeros(len(rewards))
    for at in reversed(range(rewards.shape[1])):
        is_own = mask[:, at].bool()
        delta = rewards[:, at] + gamma * next_value - values[:, at]
        advantage = delta + gamma * lam * next_advantage
        advantages[:, at] = torch.where(is_own, advantage, advantages[:, at])
        next_advantage = torch.where(is_own, advantage, next_advantage)
        next_value = torch.where(is_own, values[:, at], next_value)
    return TokenAdvantages(advantages, (advantages + values) * mask)


def sum_to_come(rewards: torch.Tensor, mask: torch.Tensor, gamma: float) -> torch.Tensor:
    """At each token the discounted sum of the rewards from there on: what its value should be."""
    nothing = torch.zeros_like(rewards)
    return estimate_advantages(rewards, nothing, mask, gamma=gamma, lam=1.0).returns


def whiten(numbers: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean 0 and standard deviation 1 over the tokens of the mask; 0 elsewhere."""
    own = numbers[mask.bool()]
    if not own.numel():
        return torch.zeros_like(numbers)
    deviation = own.std(correction=0)
    return (numbers - own.mean()) / (deviation + LEAST_STD) * mask


def explained_variance(
    predicted: torch.Tensor, actual: torch.Tensor, mask: torch.Tensor
) -> float | None:
    """1 - var(actual - predicted) / var(actual) over the tokens of the mask.

    1: all of it; 0: no more than their mean does; None where there is nothing to explain.
    """
    own = mask.bool()
    variance = actual[own].var(correction=0) if own.any() else actual.new_zeros(())
    if float(variance) < LEAST_STD:
        return None
    return 1 - float((actual[own] - predicted[own]).var(correction=0) / variance)
