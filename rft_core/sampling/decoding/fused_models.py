"""When the tight loop is used: where it knows the shape, and has been seen to agree.

Before it is believed for an adapter, its logits are compared with transformers' own on the prompts
at hand, after them and after a few tokens more. Where the shape is unknown or the logits differ,
the log says so once and the ordinary loop is used: slower, never wrong.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch

from rft_core.sampling.decoding.fused_reader import FusedModel, FusedReader
from rft_core.sampling.decoding.fusing import CannotFuseError, fuse, has_effect
from rft_core.sampling.decoding.loop import SampledRow
from rft_core.sampling.decoding.plain_reader import PlainReader
from rft_core.sampling.settings import SETS_KEPT

CHECKED_TOKENS = 3
LARGEST_DIFFERENCE = {torch.float32: 1e-3}  # of the logits' spread, both as root mean squares
OF_16_BITS = 0.15

log = logging.getLogger(__name__)


class FusedModels:
    """One model's weights as the tight loop wants them, a set for each adapter.

    `keeps`: sets are made once and the latest are kept, for adapters whose weights do not change;
    else they are made at each call, as in training.
    """

    def __init__(self, model: Any, *, keeps: bool = False) -> None:
        self._model, self._keeps = model, keeps
        self._kept: OrderedDict[str | None, FusedModel] = OrderedDict()
        self._agreed: set[str | None] = set()
        self.refused: dict[str | None, str] = {}  # adapter -> why the ordinary loop is used for it

    @torch.inference_mode()
    def get(self, rows: Sequence[SampledRow]) -> dict[str | None, FusedModel] | None:
        """A set for each adapter of these rows; None where one of them needs the ordinary loop."""
        adapters = list(dict.fromkeys(row.adapter for row in rows))
        found: dict[str | None, FusedModel] = {}
        for adapter in adapters:
            one = self._get(adapter, [row for row in rows if row.adapter == adapter])
            if one is None:
                return None
            found[adapter] = one
        while len(self._kept) > max(SETS_KEPT, len(adapters)):
            self._kept.popitem(last=False)
        return found

    def _get(self, adapter: str | None, rows: Sequence[SampledRow]) -> FusedModel | None:
        if adapter in self._kept:
            self._kept.move_to_end(adapter)
            return self._kept[adapter]
        if adapter in self.refused:
            return None
        try:
            fused = fuse(self._model, adapter)
            self._require_agreement(fused, adapter, rows)
        except CannotFuseError as error:
            self.refused[adapter] = str(error)
            log.info("sampling with the ordinary loop: %s", error)
            return None
        if self._keeps:
            self._kept[adapter] = fused
        return fused

    def _require_agreement(
        self, fused: FusedModel, adapter: str | None, rows: Sequence[SampledRow]
    ) -> None:
        if adapter in self._agreed:
            return
        difference = measure_difference(self._model, fused, rows)
        limit = LARGEST_DIFFERENCE.get(fused.embedding.dtype, OF_16_BITS)
        if not difference <= limit:  # nor is it where a model of NaNs is concerned
            raise CannotFuseError(
                f"the tight one's logits are off by {difference:.2g} of their spread, more than "
                f"{limit:.2g}"
            )
        if has_effect(self._model, adapter):  # else nothing is known of this adapter yet
            self._agreed.add(adapter)


@torch.inference_mode()
def measure_difference(model: Any, fused: FusedModel, rows: Sequence[SampledRow]) -> float:
    """Between the two loops' logits, over their spread, on the shortest and the longest prompt."""
    ordered = sorted(rows, key=lambda row: len(row.prompt))
    checked = [ordered[0], ordered[-1]]
    ours, theirs = FusedReader(fused), PlainReader(model)
    got, expected = ours.read_prompts(checked), theirs.read_prompts(checked)
    worst = _compare(got, expected)
    for _ in range(CHECKED_TOKENS):
        tokens = expected.argmax(dim=-1)
        got, expected = ours.read_tokens(tokens), theirs.read_tokens(tokens)
        worst = max(worst, _compare(got, expected))
    return worst


def _compare(got: torch.Tensor, expected: torch.Tensor) -> float:
    got, expected = got.double(), expected.double()
    spread = expected - expected.mean(dim=-1, keepdim=True)
    return float((got - expected).square().mean().sqrt() / spread.square().mean().sqrt())
