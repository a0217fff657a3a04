"""RLOO + LoRA through TRL's RLOOTrainer.

Each completion is held against the mean of the others of its group, and KL to the reference is part
of the reward (Ahmadian et al., arXiv 2402.14740). What is stored as a completion's reward is the
reward set's alone; its advantage is the one trained on, KL included.
"""

from __future__ import annotations

from typing import Any

from trl.trainer.rloo_config import RLOOConfig
from trl.trainer.rloo_trainer import RLOOTrainer

from rft_core.sampling.sampler import OnStep
from rft_core.training.recorded import StageParts
from rft_core.training.rollouts import (
    Rollouts,
    TotalReward,
    make_position_dataset,
    sampling_arguments,
)
from rft_core.training.saving.adapter_files import make_lora_config


class RecordedRLOO(Rollouts, RLOOTrainer):
    """RLOO as part of a run."""

    kl_is_in_reward = True

    def _generate_single_turn(self, prompt_ids: list[Any], *args: Any, **kwargs: Any) -> Any:
        if self.use_vllm:
            return super()._generate_single_turn(prompt_ids, *args, **kwargs)  # type: ignore[no-untyped-call]
        return self.sample_batch(prompt_ids)

    def sample(
        self, phase: str, prompts: Any, first: int = 0, on_step: OnStep | None = None
    ) -> list[list[int]]:
        """vLLM shows no step: whoever watches sees whole batches."""
        if not self.use_vllm:
            return super().sample(phase, prompts, first, on_step)
        return [list(c) for c in self._generate_single_turn([list(p) for p in prompts], None, {})]


def make_trainer(parts: StageParts) -> RecordedRLOO:
    """A trainer ready for `train()`."""
    trainer = RecordedRLOO(
        model=parts.model,
        reward_funcs=[TotalReward(parts.recorder)],
        args=RLOOConfig(**sampling_arguments(parts)),
        train_dataset=make_position_dataset(parts),
        processing_class=parts.tokenizer,
        peft_config=make_lora_config(parts.config),
    )
    trainer.attach(parts)
    return trainer
