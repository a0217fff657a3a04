"""SFT: supervised fine-tuning on gold completions, through TRL's SFTTrainer.

The loss is over the completion's tokens alone. A prompt is read by the same token ids as in every
other method, and the completion ends in the token with which the model's own chat template ends an
answer. Nothing is sampled to learn from; validation samples and scores as everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from datasets import Dataset
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from rft_core.errors import BadInputError
from rft_core.sampling.end_tokens import find_end_token
from rft_core.training.prompts import TokenizedPrompt
from rft_core.training.recorded import Recorded, StageParts
from rft_core.training.saving.adapter_files import make_lora_config

COUNT_NAME = "tokens_seen.json"
NO_LABEL = -100  # torch's cross entropy leaves such positions out

Example = dict[str, list[int]]


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
    return build_trainer(RecordedSFT, parts, make_examples(parts))


TrainerT = TypeVar("TrainerT", bound=RecordedSFT)


def build_trainer(
    kind: type[TrainerT], parts: StageParts, dataset: Dataset, collate: Any = None
) -> TrainerT:
    """Any trainer that learns examples word for word. `collate` None: padded, as TRL does."""
    trainer = kind(
        model=parts.model,
        args=SFTConfig(
            **parts.trl_arguments(),
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},  # tokens and labels are made here
            remove_unused_columns=False,  # there are none
        ),
        data_collator=collate,
        train_dataset=dataset,
        processing_class=parts.tokenizer,
        peft_config=make_lora_config(parts.config),
    )
    trainer.attach(parts)
    return trainer


def make_examples(parts: StageParts) -> Dataset:
    """Tokens and labels of every prompt whose gold completion is known."""
    return Dataset.from_list(list(Examples(parts).list_gold()))


class Examples:
    """The stage's prompts with completions to learn word for word, as tokens and labels.

    An example is {"input_ids": [...], "labels": [...]}, of equal lengths. Raises BadInputError
    where one does not fit into the model's context.
    """

    def __init__(self, parts: StageParts) -> None:
        self._prompts, self._gold = parts.prompts.train, parts.gold
        self._tokenizer = parts.tokenizer
        self._end = find_end_token(parts.tokenizer, parts.recorder.end_tokens)
        text_config = parts.model.config.get_text_config()
        self._context: int | None = getattr(text_config, "max_position_embeddings", None)

    def list_gold(self) -> Iterator[Example]:
        """Of all prompts, in order; those whose gold is not known are left out."""
        found = (self.find_gold(position) for position in range(len(self._prompts)))
        return (example for example in found if example)

    def find_gold(self, position: int) -> Example | None:
        """The prompt with its gold completion and the token that ends it; None: not known."""
        if not self._gold or (gold := self._gold[position]) is None:
            return None
        completion = self._tokenizer(gold, add_special_tokens=False)["input_ids"]
        return self.make(position, [*completion, self._end])

    def make(self, position: int, completion: Sequence[int]) -> Example:
        """The prompt with these tokens after it, as they are."""
        return _make_example(self._prompts[position], completion, self._context)


def _make_example(
    prompt: TokenizedPrompt, completion: Sequence[int], context: int | None
) -> Example:
    ids = [*prompt.token_ids, *completion]
    if context is not None and len(ids) > context:
        raise BadInputError(
            f"Example {prompt.record.position + 1} has {len(ids)} tokens, its prompt included",
            f"The model's context is {context}",
            "Shorten it, or choose a model with a longer context",
        )
    return {"input_ids": ids, "labels": [NO_LABEL] * len(prompt.token_ids) + list(completion)}
