"""When the tight loop is used: where it knows the shape, and has been seen to agree.

Before it is believed for an adapter, its logits are compared with transformers' own on the prompts
at hand, after them and after a few tokens more (`agreement.py`). Where the shape is unknown or the
logits differ, the log says so once and the ordinary loop is used: slower, never wrong. An adapter
that still changes less than rounding does cannot be told from one that is left out: it is used, and
looked at again after twice as many calls, until it can.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Any

import torch

from rft_core.sampling.decoding.agreement import require_agreement, shows_adapter
from rft_core.sampling.decoding.fused_reader import FusedModel
from rft_core.sampling.decoding.fusing import CannotFuseError, fuse, has_effect, resolve
from rft_core.sampling.decoding.loop import SampledRow
from rft_core.sampling.settings import SETS_KEPT

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
        self._calls: Counter[tuple[str | None, bool]] = Counter()  # of those not agreed, by effect
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
        changes = has_effect(self._model, adapter)
        self._calls[adapter, changes] += 1
        if self._calls[adapter, changes].bit_count() > 1:  # no power of two
            return
        require_agreement(self._model, fused, rows)
        is_adapted = resolve(self._model, adapter) is not None
        if changes and (not is_adapted or shows_adapter(self._model, fused, rows)):
            self._agreed.add(adapter)
