"""GRPO + LoRA through TRL's GRPOTrainer.

The algorithm (group advantages, clipped ratio, KL to the reference; DeepSeekMath, arXiv
2402.03300) is TRL's. The reference is the policy with its adapter off, or with the frozen adapter
that the stage began with.
"""

from __future__ import annotations

from typing import Any

from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from rft_core.sampling.sampler import OnStep
from rft_core.training.recorded import StageParts
from rft_core.training.rollouts import (
    Rollouts,
    TotalReward,
    make_position_dataset,
    sampling_arguments,
)
from rft_core.training.saving.adapter_files import make_lora_config


class RecordedGRPO(Rollouts, GRPOTrainer):
    """GRPO as part of a run."""

    def _generate_single_turn(self, prompt_ids: list[Any], *args: Any, **kwargs: Any) -> Any:
        if self.use_vllm:
            return super()._generate_single_turn(prompt_ids, *args, **kwargs)  # type: ignore[no-untyped-call]
        return self.sample_batch(prompt_ids), None  # TRL wants log probabilities from vLLM only

    def sample(
        self, phase: str, prompts: Any, first: int = 0, on_step: OnStep | None = None
    ) -> list[list[int]]:
        """vLLM shows no step: whoever watches sees whole batches."""
        if not self.use_vllm:
            return super().sample(phase, prompts, first, on_step)
        each = self.parts.config.num_generations_eval
        ids, _ = self._generate_single_turn([list(ids) for ids in prompts], None, {}, each)
        return [list(completion) for completion in ids]


def make_trainer(parts: StageParts) -> RecordedGRPO:
    """A trainer ready for `train()`.

    It makes a fresh adapter even where another one is begun with: given a PeftModel, TRL would keep
    a copy of its adapter and always measure KL to that.
    """
    trainer = RecordedGRPO(
        model=parts.model,
        reward_funcs=[TotalReward(parts.recorder)],
        args=GRPOConfig(**sampling_arguments(parts)),
        train_dataset=make_position_dataset(parts),
        processing_class=parts.tokenizer,
        peft_config=make_lora_config(parts.config),
    )
    trainer.attach(parts)
    return trainer
