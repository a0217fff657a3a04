"""Our torch-free advantages are TRL's, line for line."""

import random

import pytest
import torch
from trl.trainer.utils import nanstd

from rft_core.rewards.advantages import compute_advantages, zero_variance_share


def trl_advantages(rewards, num_generations, scale_rewards):
    """The lines of GRPOTrainer._generate_and_score_completions (sum_then_normalize)."""
    rewards = torch.tensor([float("nan") if r is None else r for r in rewards], dtype=torch.float64)
    mean = torch.nanmean(rewards.view(-1, num_generations), dim=1)
    advantages = rewards - mean.repeat_interleave(num_generations, dim=0)
    if scale_rewards == "group":
        std = nanstd(rewards.view(-1, num_generations), dim=1)
        advantages = advantages / (std.repeat_interleave(num_generations, dim=0) + 1e-4)
    elif scale_rewards == "batch":
        advantages = advantages / (nanstd(rewards).expand_as(rewards) + 1e-4)
    return torch.nan_to_num(advantages, nan=0.0).tolist()


@pytest.mark.parametrize("scale_rewards", ["group", "batch", "none"])
@pytest.mark.parametrize("unscored", [0.0, 0.3, 1.0])
def test_advantages_equal_trls(scale_rewards, unscored):
    rng = random.Random(f"{scale_rewards} {unscored}")
    for num_generations in (2, 4, 8):
        rewards = [
            None if rng.random() < unscored else rng.choice([0.0, 0.1, 1.0, 2.0, rng.gauss(0, 3)])
            for _ in range(6 * num_generations)
        ]
        ours = compute_advantages(rewards, num_generations, scale_rewards)
        theirs = trl_advantages(rewards, num_generations, scale_rewards)
        assert ours == pytest.approx(theirs, abs=1e-6)  # TRL corrects in float32


def test_a_worked_example():
    root = 0.5**0.5
    expected = 0.5 / (root + 1e-4)
    assert compute_advantages([1.0, 0.0], 2) == pytest.approx([expected, -expected])
    assert compute_advantages([1.0, 1.0, None, 0.0], 2) == [0.0, 0.0, 0.0, 0.0]


def test_zero_variance_counts_groups_without_a_gradient():
    assert zero_variance_share([1, 1, 0, 1], 2) == 0.5
    assert zero_variance_share([0.1] * 6, 3) == 1.0
    assert zero_variance_share([None, None, None, 1.0, 0.0, 1.0], 2) == pytest.approx(2 / 3)
