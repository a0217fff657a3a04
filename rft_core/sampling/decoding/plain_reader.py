"""Reading with a model's own forward and transformers' cache: any model, any mix of adapters.

This is what always works. For the shapes that it knows, `fused_reader.py` is several times faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from rft_core.sampling.adapters import only_adapter
from rft_core.sampling.decoding.loop import SampledRow, pad_left


class PlainReader:
    """Over one model, bare or with PEFT's adapters, each row with the adapter that it names."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.device: torch.device = model.device

    def read_prompts(self, rows: Sequence[SampledRow]) -> torch.Tensor:
        distinct = list(dict.fromkeys((row.prompt, row.adapter) for row in rows))
        tokens, visible = pad_left([prompt for prompt, _ in distinct])
        mask = torch.tensor(visible, device=self.device).long()
        output = self._model(
            input_ids=torch.tensor(tokens, device=self.device),
            attention_mask=mask,
            position_ids=(mask.cumsum(dim=1) - 1).clamp(min=0),
            use_cache=True,
            logits_to_keep=1,
            **name_adapters([adapter for _, adapter in distinct]),
        )
        place = {key: at for at, key in enumerate(distinct)}
        places = torch.tensor([place[row.prompt, row.adapter] for row in rows], device=self.device)
        self._cache, self._mask = output.past_key_values, mask[places]
        self._cache.batch_select_indices(places)
        self._adapters = [row.adapter for row in rows]
        logits: torch.Tensor = output.logits[places, -1]
        return logits

    def keep(self, places: torch.Tensor) -> None:
        self._cache.batch_select_indices(places)
        self._mask = self._mask[places]
        self._adapters = [self._adapters[place] for place in places.tolist()]

    def read_tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        output = self._model(
            input_ids=tokens[:, None],
            attention_mask=self._mask,
            position_ids=self._mask.sum(dim=1, keepdim=True) - 1,
            past_key_values=self._cache,
            use_cache=True,
            **name_adapters(self._adapters),
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits


class SwitchingReader(PlainReader):
    """Over rows of one adapter, which is put in place for each pass alone.

    For adapters that no batch can mix with others, while others take turns on the same model.
    """

    def __init__(self, model: Any, adapter: str | None) -> None:
        super().__init__(model)
        self._adapter = adapter

    def read_prompts(self, rows: Sequence[SampledRow]) -> torch.Tensor:
        with only_adapter(self._model, self._adapter):
            return super().read_prompts([replace(row, adapter=None) for row in rows])

    def read_tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        with only_adapter(self._model, self._adapter):
            return super().read_tokens(tokens)


def name_adapters(names: Sequence[str | None]) -> dict[str, list[str]]:
    """PEFT's argument for batches in which each row has an adapter of its own."""
    named = [name for name in names if name is not None]
    return {"adapter_names": named} if named else {}
