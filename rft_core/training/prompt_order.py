"""Which prompts every step trains on: one endless, seeded sequence of shuffles.

TRL's own sampler drops the prompts left over at the end of an epoch (with fewer prompts than a
step needs, all of them) and shuffles differently after a resume. Here the whole run is one pass
whose order depends on the seed alone, so that skipping to step N is exact.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler


class PromptOrder(Sampler[int]):
    """Row indices for a whole run, each prompt repeated for its group.

    A generation batch is `prompts_per_batch` prompts x `num_generations`, and is given out
    `uses` times in a row, because TRL asks for it once per forward pass that reuses it.
    """

    def __init__(
        self,
        num_prompts: int,
        *,
        prompts_per_batch: int,
        num_generations: int,
        uses: int,
        num_batches: int,
        seed: int,
    ) -> None:
        self._num_prompts = num_prompts
        self._prompts_per_batch = prompts_per_batch
        self._num_generations = num_generations
        self._uses = uses
        self._num_batches = num_batches
        self._seed = seed

    def __len__(self) -> int:
        return self._num_batches * self._uses * self._prompts_per_batch * self._num_generations

    def __iter__(self) -> Iterator[int]:
        prompts = self._shuffles()
        for _ in range(self._num_batches):
            chosen = [next(prompts) for _ in range(self._prompts_per_batch)]
            batch = [prompt for prompt in chosen for _ in range(self._num_generations)]
            for _ in range(self._uses):
                yield from batch

    def _shuffles(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed)
        while True:
            yield from torch.randperm(self._num_prompts, generator=generator).tolist()
