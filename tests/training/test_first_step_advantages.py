"""The advantages of a real first step: what TRL trains on is what is stored and shown."""

from pathlib import Path
from typing import Any

import pytest
import torch

from rft_core.rewards.advantages import compute_advantages
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import open_run
from rft_core.training.grpo import RecordedGRPO
from tests.tiny_run import add_tiny_run, live_in_process

TOLERANCE = 1e-4

MIXED = RewardSet(
    (
        RewardEntry("short", "length", 1.0, {"target": 4}),
        RewardEntry("tokens", "length", -0.7, {"unit": "tokens", "target": 3}),
    ),
    "mixed",
)
CONSTANT = RewardSet((RewardEntry("even", "length", 0.3),), "constant")  # any length is right
# No completion has a gold answer to be compared with: this function never judges.
WITH_UNSCORED = RewardSet(
    (RewardEntry("short", "length", 1.0, {"target": 4}), RewardEntry("silent", "exact_match", 0.5)),
    "with unscored",
)
NEVER_SCORED = RewardSet((RewardEntry("silent", "exact_match"),), "never scored")


@pytest.fixture
def trained_on(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The advantages that TRL itself computes, batch by batch."""
    original = RecordedGRPO._generate_and_score_completions
    batches: list[torch.Tensor] = []

    def watch(self: RecordedGRPO, inputs: Any) -> Any:
        outputs = original(self, inputs)
        batches.append(outputs["advantages"].detach().cpu())
        return outputs

    monkeypatch.setattr(RecordedGRPO, "_generate_and_score_completions", watch)
    return batches


@pytest.mark.parametrize("scale_rewards", ["group", "batch", "none"])
@pytest.mark.parametrize(
    "rewards", [MIXED, CONSTANT, WITH_UNSCORED, NEVER_SCORED], ids=lambda set: set.name
)
def test_stored_and_computed_advantages_are_those_that_were_trained_on(
    tiny_model: Path,
    runs_dir: Path,
    trained_on: list[torch.Tensor],
    rewards: RewardSet,
    scale_rewards: str,
) -> None:
    config = add_tiny_run(
        runs_dir, tiny_model, rewards=rewards, scale_rewards=scale_rewards,
        max_steps=1, eval_steps=0, per_device_train_batch_size=16,
    )  # fmt: skip
    live_in_process(runs_dir)
    with open_run(runs_dir, "tiny") as db:
        stored = [g for g in iterate_generations(db) if (g.split, g.step) == ("train", 1)]
    stored.sort(key=lambda g: (g.group_index, g.sample_index))
    theirs = trained_on[0].tolist()
    assert len(theirs) == len(stored) == 16
    assert [g.advantage for g in stored] == pytest.approx(theirs, abs=TOLERANCE)
    computed = compute_advantages(
        [g.reward for g in stored], config.num_generations, config.scale_rewards
    )
    assert computed == pytest.approx(theirs, abs=TOLERANCE)
    if rewards is MIXED:
        assert any(abs(advantage) > 0.05 for advantage in theirs)
