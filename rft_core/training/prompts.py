"""The prompts of a run as the model sees them: rendered once, and trained on as they were rendered.

The token ids stay with the prompt's record: training, validation and SFT all take them by position,
so that what a page shows and what the policy reads cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.data.prompt_set import PromptSet
from rft_core.errors import BadInputError
from rft_core.sampling.chat_template import render_prompt
from rft_core.store.run_writer import PromptRecord, Split
from rft_core.types import Row


@dataclass(frozen=True)
class TokenizedPrompt:
    """What is stored of a prompt, and its tokens."""

    record: PromptRecord
    token_ids: tuple[int, ...]


@dataclass(frozen=True)
class TrainingPrompts:
    """What is trained on and what is only validated on; a prompt's position is its index."""

    train: Sequence[TokenizedPrompt]
    validation: Sequence[TokenizedPrompt]

    def of(self, split: Split) -> Sequence[TokenizedPrompt]:
        return self.train if split == "train" else self.validation

    @property
    def records(self) -> list[PromptRecord]:
        return [prompt.record for prompt in (*self.train, *self.validation)]


def make_training_prompts(
    prompt_set: PromptSet, tokenizer: Any, room: int | None = None
) -> TrainingPrompts:
    """Every prompt as the model will see it. `room`: the most tokens that a prompt may have."""
    if not prompt_set.train_rows:
        raise BadInputError(
            "There is nothing to train on",
            "All rows of the prompt set are validation rows",
            "Import it again with a smaller validation share",
        )
    return TrainingPrompts(
        _tokenize("train", prompt_set, prompt_set.train_rows, tokenizer, room),
        _tokenize("validation", prompt_set, prompt_set.validation_rows, tokenizer, room),
    )


def _tokenize(
    split: Split, prompt_set: PromptSet, rows: Sequence[Row], tokenizer: Any, room: int | None
) -> list[TokenizedPrompt]:
    prompts = []
    for position, (row, messages) in enumerate(zip(rows, prompt_set.prompts(rows), strict=True)):
        text, token_ids = render_prompt(tokenizer, messages)
        if room is not None and len(token_ids) > room:
            raise BadInputError(
                f"Prompt {position + 1} of the {split} rows has {len(token_ids)} tokens",
                f"The model's context leaves {room} beside max_completion_length",
                "Shorten the prompt or lower max_completion_length",
            )
        record = PromptRecord(split, position, row, messages, text)
        prompts.append(TokenizedPrompt(record, tuple(token_ids)))
    return prompts
