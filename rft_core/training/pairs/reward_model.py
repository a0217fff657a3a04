"""Reward model: scores learned from pairs, through TRL's RewardTrainer.

The loss asks that the chosen answer of a pair scores above the rejected one (Bradley-Terry), and
keeps scores around zero. What is trained is a plain LoRA adapter and a head outside of it (see
`sampling/reward_model.py`): the head is a part of the trained module, so that the optimizer, the
clipping and every look for lost numbers see it, but no part of PEFT's adapter, whose folder loads
anywhere. TRL is handed the causal model and only ever sees the head's scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from trl.trainer.reward_config import RewardConfig
from trl.trainer.reward_trainer import DataCollatorForPreference, RewardTrainer

from rft_core.paths import SCORE_HEAD_FILE
from rft_core.sampling.reward_model import (
    Scale,
    ScoreHead,
    load_head,
    read_width,
    save_head,
    score_batch,
)
from rft_core.training.pairs.pairwise import (
    Pairwise,
    WholeJudgements,
    find_padding,
    make_judgements,
    shared_arguments,
    tokenize_pairs,
)
from rft_core.training.recorded import StageParts
from rft_core.training.saving.adapter_files import make_lora_config

PAIRS_FOR_SCALE = 128  # training pairs whose scores give the unit of all


class RecordedRewardModel(Pairwise, RewardTrainer):
    """A reward model as part of a run."""

    def attach(self, parts: StageParts) -> None:
        super().attach(parts)
        assert parts.pairs is not None
        self.head = ScoreHead(read_width(self.model)).to(self.args.device)
        self.model.add_module("score_head", self.head)
        self._for_scale = tokenize_pairs(parts, parts.pairs.train_pairs[:PAIRS_FOR_SCALE])
        if parts.initial_adapter and (parts.initial_adapter / SCORE_HEAD_FILE).is_file():
            load_head(parts.initial_adapter, self.head)

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """TRL's loss; the model that it asks for logits answers with the head's scores."""
        return super().compute_loss(partial(self._score_as_logits, model), inputs, *args, **kwargs)  # type: ignore[no-untyped-call]

    def _score_as_logits(
        self, model: Any, *, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any
    ) -> SimpleNamespace:
        with self.accelerator.autocast():
            scores = score_batch(model, self.head, input_ids, attention_mask)
        return SimpleNamespace(logits=scores[:, None])

    def score_answers(self, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        scores = self._score_as_logits(self.model, **batch).logits[:, 0]
        chosen, rejected = scores.chunk(2)
        return chosen, rejected

    def save_weights(self, folder: Path) -> None:
        super().save_weights(folder)
        save_head(folder, self.head, self._measure_scale(), self.model.dtype)

    def load_weights(self, folder: Path) -> None:
        super().load_weights(folder)
        load_head(folder, self.head)

    def _load_own_state(self, folder: Path) -> None:
        super()._load_own_state(folder)
        load_head(folder, self.head)

    def _measure_scale(self) -> Scale:
        judged = self.judge(self._for_scale)
        scores = [score for pair in judged for score in (pair.chosen, pair.rejected)]
        return Scale.of(torch.tensor(scores, dtype=torch.float64))


def make_trainer(parts: StageParts) -> RecordedRewardModel:
    """A trainer ready for `train()`. Raises BadInputError where a pair does not fit."""
    parts.model.config.num_labels = 1  # TRL asks whether it is handed what gives one score
    collate = DataCollatorForPreference(pad_token_id=find_padding(parts.tokenizer))
    trainer = RecordedRewardModel(
        model=parts.model,
        args=RewardConfig(**shared_arguments(parts)),
        data_collator=WholeJudgements(collate, joined=True),
        train_dataset=make_judgements(parts),
        processing_class=parts.tokenizer,
        peft_config=make_lora_config(parts.config),
    )
    trainer.attach(parts)
    return trainer
