"""What a dry run tried and found: the input of every part of the preflight. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from rft_core.config import RunConfig
from rft_core.diagnosis.preflight.intervals import StepShape
from rft_core.rewards.contract import Batch, RewardSet, Scoring

T = TypeVar("T")


@dataclass(frozen=True)
class DryRunData:
    """Completions with their scores, aligned by index; groups of `group_size` are consecutive.

    `truncated[i]`: completion i was cut at `max_completion_length`. `sampling_seconds`: measured,
    for all of them; `update_seconds`: estimated, for one step. None: not known. `prompt_tail`: the
    end of a prompt as the model sees it; "" where no model was asked.
    """

    config: RunConfig
    reward_set: RewardSet
    batch: Batch
    scoring: Scoring
    group_size: int
    truncated: Sequence[bool] = ()
    sampling_seconds: float | None = None
    update_seconds: float | None = None
    prompt_tail: str = ""

    @property
    def step(self) -> StepShape:
        """What one training step samples with these settings."""
        size = self.config.num_generations
        return StepShape(max(1, self.config.generation_batch_size // size), size)

    @property
    def rewards(self) -> list[float | None]:
        return [sample.reward for sample in self.scoring.samples]

    @property
    def num_groups(self) -> int:
        return len(self.scoring.samples) // self.group_size

    @property
    def lengths(self) -> list[int]:
        """In tokens; empty where they are not known."""
        return [len(ids) for ids in self.batch.completion_ids]

    def scores(self, name: str) -> list[float | None]:
        return [sample.scores[name] for sample in self.scoring.samples]

    def grouped(self, values: Sequence[T]) -> list[Sequence[T]]:
        """One list per prompt."""
        size = self.group_size
        return [values[start : start + size] for start in range(0, len(values), size)]
