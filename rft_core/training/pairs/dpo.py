"""DPO: direct preference optimisation through TRL's DPOTrainer.

The policy itself is the judge: its reward of an answer is beta times how much likelier than under
the reference it has become, and the loss asks for a higher one of the chosen answer (Rafailov et
al., arXiv 2305.18290). The reference is the policy with its adapter off, or with the frozen adapter
that the stage began with; it is read at every step, so that a resume goes on exactly. At the first
step policy and reference are one, and the loss is log 2 (with `reference` "base": if nothing was
trained before).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DataCollatorForPreference, DPOTrainer

from rft_core.training.pairs.pairwise import (
    Pairwise,
    WholeJudgements,
    find_padding,
    make_judgements,
    shared_arguments,
)
from rft_core.training.recorded import StageParts
from rft_core.training.saving.adapter_files import make_lora_config

IGNORED = -100  # label of the tokens that TRL's head leaves out: the prompt's and the padding's


class RecordedDPO(Pairwise, DPOTrainer):
    """DPO as part of a run."""

    beta: float

    def score_answers(self, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """The implicit rewards, as in TRL's loss."""
        labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, IGNORED)
        with self.accelerator.autocast():
            policy = self.model(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
                labels=labels, use_cache=False, fused_lm_head=True,
            ).log_probs.sum(dim=1)  # fmt: skip
        chosen, rejected = policy.chunk(2)
        of_reference = self.compute_ref_log_probs(self.model, batch)  # type: ignore[no-untyped-call]
        return self.beta * (chosen - of_reference[0]), self.beta * (rejected - of_reference[1])


def make_trainer(parts: StageParts) -> RecordedDPO:
    """A trainer ready for `train()`. Raises BadInputError where a pair does not fit.

    It makes a fresh adapter even where another one is begun with, as `grpo.make_trainer` does.
    """
    collate = DataCollatorForPreference(pad_token_id=find_padding(parts.tokenizer))
    trainer = RecordedDPO(
        model=parts.model,
        args=DPOConfig(**shared_arguments(parts), loss_type=[parts.config.preference_loss]),
        data_collator=WholeJudgements(collate, joined=False),
        train_dataset=make_judgements(parts),
        processing_class=parts.tokenizer,
        peft_config=make_lora_config(parts.config),
    )
    trainer.attach(parts)
    return trainer
