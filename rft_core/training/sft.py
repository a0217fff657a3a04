"""SFT: supervised fine-tuning on gold completions, through TRL's SFTTrainer.

The loss is over the completion's tokens alone. A prompt is read by the same token ids as in every
other method, and the completion ends in the token with which the model's own chat template ends an
answer. Nothing is sampled to learn from; validation samples and scores as everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from rft_core.errors import BadInputError
from rft_core.sampling.chat_template import render_text
from rft_core.training.prompts import TokenizedPrompt
from rft_core.training.recorded import Recorded, StageParts
from rft_core.training.saving.adapter_files import make_lora_config

COUNT_NAME = "tokens_seen.json"
NO_LABEL = -100  # torch's cross entropy leaves such positions out


class RecordedSFT(Recorded, SFTTrainer):
    """SFT as part of a run."""

    _total_train_tokens: int

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        self.recorder.add_tokens(int((inputs["labels"] != NO_LABEL).sum()))
        return super().training_step(model, inputs, *args, **kwargs)

    def _save_own_state(self, folder: Path) -> None:
        """TRL's own count of tokens, which it forgets on resume."""
        (folder / COUNT_NAME).write_text(json.dumps(self._total_train_tokens), encoding="utf-8")

    def _load_own_state(self, folder: Path) -> None:
        self._total_train_tokens = json.loads((folder / COUNT_NAME).read_text(encoding="utf-8"))


def make_trainer(parts: StageParts) -> RecordedSFT:
    """A trainer ready for `train()`. Raises BadInputError where an example does not fit."""
    trainer = RecordedSFT(
        model=parts.model,
        args=SFTConfig(
            **parts.trl_arguments(),
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},  # tokens and labels are made here
        ),
        train_dataset=make_examples(parts),
        processing_class=parts.tokenizer,
        peft_config=make_lora_config(parts.config),
    )
    trainer.attach(parts)
    return trainer


def make_examples(parts: StageParts) -> Dataset:
    """Tokens and labels of every prompt whose gold completion is known."""
    end = find_end_token(parts.tokenizer, parts.recorder.end_tokens)
    context = getattr(parts.model.config.get_text_config(), "max_position_embeddings", None)
    examples = []
    for prompt, gold in zip(parts.prompts.train, parts.gold, strict=True):
        if gold is not None:
            completion = parts.tokenizer(gold, add_special_tokens=False)["input_ids"]
            examples.append(_make_example(prompt, [*completion, end], context))
    return Dataset.from_list(examples)


def find_end_token(tokenizer: Any, end_tokens: frozenset[int]) -> int:
    """The token that ends an answer in the chat template; without one, the tokenizer's own."""
    turn = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    if tokenizer.chat_template:
        try:
            text = render_text(tokenizer, turn, prompt=False)
        except BadInputError:  # some want a system message first
            text = ""
        for token in reversed(tokenizer(text, add_special_tokens=False)["input_ids"]):
            if token in end_tokens:
                return int(token)
    return int(tokenizer.eos_token_id)


def _make_example(
    prompt: TokenizedPrompt, completion: Sequence[int], context: int | None
) -> dict[str, list[int]]:
    ids = [*prompt.token_ids, *completion]
    if context is not None and len(ids) > context:
        raise BadInputError(
            f"Example {prompt.record.position + 1} has {len(ids)} tokens, its prompt included",
            f"The model's context is {context}",
            "Shorten it, or choose a model with a longer context",
        )
    return {"input_ids": ids, "labels": [NO_LABEL] * len(prompt.token_ids) + list(completion)}
