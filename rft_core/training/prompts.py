"""The prompts of a run as the model sees them: rendered once, and trained on as they were rendered.

Each when it is first wanted: of a hundred thousand, a run of a thousand steps may see a few.

The token ids stay with the prompt's record: training, validation and SFT all take them by position,
so that what a page shows and what the policy reads cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from rft_core.data.prompt_set import PromptSet
from rft_core.data.split import draw_rows
from rft_core.errors import BadInputError
from rft_core.sampling.chat_template import render_prompt
from rft_core.store.run_writer import PromptRecord, Split
from rft_core.types import Messages


@dataclass(frozen=True)
class TokenizedPrompt:
    """What is stored of a prompt, and its tokens."""

    record: PromptRecord
    token_ids: tuple[int, ...]


class RenderedOnce(Sequence[TokenizedPrompt]):
    """The prompts of a split; each is rendered when it is first asked for.

    `room`: the most tokens that one may have. Raises BadInputError for a longer one.
    """

    def __init__(
        self, split: Split, prompt_set: PromptSet, tokenizer: Any, room: int | None,
        told: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self._split: Split = split
        self._rows = prompt_set.train_rows if split == "train" else prompt_set.validation_rows
        self._messages = prompt_set.prompts(self._rows)
        self._tokenizer, self._room, self._told = tokenizer, room, told
        self._rendered: dict[int, TokenizedPrompt] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, position: int) -> TokenizedPrompt: ...
    @overload
    def __getitem__(self, position: slice) -> list[TokenizedPrompt]: ...
    def __getitem__(self, position: int | slice) -> TokenizedPrompt | list[TokenizedPrompt]:
        if isinstance(position, slice):
            return [self[at] for at in range(*position.indices(len(self)))]
        at = range(len(self))[position]
        if at not in self._rendered:
            self._rendered[at] = self._render(at)
        return self._rendered[at]

    def check_room(self, positions: Iterable[int] | None = None) -> None:
        """Raises for a prompt that is too long before anybody waits for it; None: all of them.

        A token stands for a byte at least: only those are rendered that have so many bytes.
        (A chat template that writes a message twice is found out when the prompt is asked for.)
        """
        if self._room is None or not self._rows:
            return
        frame = len(self[0].record.text.encode()) - _count_bytes(self._messages[0])
        for at in range(len(self)) if positions is None else positions:
            if _count_bytes(self._messages[at]) + frame > self._room:
                self[at]

    def _render(self, position: int) -> TokenizedPrompt:
        messages = self._messages[position]
        text, token_ids = render_prompt(self._tokenizer, messages, self._told)
        if self._room is not None and len(token_ids) > self._room:
            raise BadInputError(
                f"Prompt {position + 1} of the {self._split} rows has {len(token_ids)} tokens",
                f"The model's context leaves {self._room} beside max_completion_length",
                "Shorten the prompt or lower max_completion_length",
            )
        record = PromptRecord(position, self._rows[position], messages, text)
        return TokenizedPrompt(record, tuple(token_ids))


def _count_bytes(messages: Messages) -> int:
    return sum(len(message["content"].encode()) for message in messages)


@dataclass(frozen=True)
class TrainingPrompts:
    """What is trained on and what is only validated on; a prompt's position is its index.

    `validated`: the positions of the validation prompts that are asked at every validation.
    """

    train: Sequence[TokenizedPrompt]
    validation: Sequence[TokenizedPrompt]
    validated: tuple[int, ...]

    @property
    def which_validated(self) -> str:
        """How many of how many, as people read it."""
        asked, held_out = len(self.validated), len(self.validation)
        prompts = "prompt" if asked == 1 else "prompts"
        return f"{asked:,} {prompts}" if asked == held_out else f"{asked:,} of {held_out:,} prompts"

    def of(self, split: Split) -> Sequence[TokenizedPrompt]:
        return self.train if split == "train" else self.validation


def make_training_prompts(
    prompt_set: PromptSet,
    tokenizer: Any,
    room: int | None = None,
    told: Mapping[str, Any] | None = None,
    *,
    most_validated: int | None = None,
    seed: int = 0,
) -> TrainingPrompts:
    """Every prompt as the model will see it. `room`: the most tokens that a prompt may have.

    `told`: what the chat template is told besides the messages. Of more validation prompts than
    `most_validated` so many are drawn by `seed`: the same ones in every life of a run.
    """
    if not prompt_set.train_rows:
        raise BadInputError(
            "There is nothing to train on",
            "All rows of the prompt set are validation rows",
            "Import it again with a smaller validation share",
        )
    train, validation = (
        RenderedOnce(split, prompt_set, tokenizer, room, told) for split in ("train", "validation")
    )
    count = len(validation) if most_validated is None else most_validated
    validated = draw_rows(len(validation), count, seed)
    train.check_room()
    validation.check_room(validated)
    return TrainingPrompts(train, validation, validated)
