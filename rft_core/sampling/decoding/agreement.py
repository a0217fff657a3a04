"""Whether the tight loop's logits are transformers' own, as far as rounding lets one tell.

In 16 bits no fixed limit will do: the two loops round in different orders, and what comes of it
differs by model (measured: 0.01 of the logits' spread on embedded/countdown, 0.08 on SmolLM2-135M,
where an adapter that is left out makes 0.04 on the one and 0.15 on the other). So the yardstick is
taken from the model: transformers' own loop, with every layer's output moved by a rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from peft import PeftModel

from rft_core.sampling.adapters import BASE
from rft_core.sampling.decoding.fused_reader import FusedModel, FusedReader
from rft_core.sampling.decoding.fusing import CannotFuseError, fuse
from rft_core.sampling.decoding.loop import Reader, SampledRow
from rft_core.sampling.decoding.plain_reader import PlainReader

CHECKED_TOKENS = 3
OF_32_BITS = 1e-3  # of the logits' spread, both as root mean squares; honest: some 1e-6
ROUNDINGS = 2  # in 16 bits, times what a rounding in every layer makes; honest: 0.3 to 1.4


def require_agreement(model: Any, fused: FusedModel, rows: Sequence[SampledRow]) -> None:
    """Raises CannotFuseError where the logits differ by more than rounding explains."""
    difference = measure_difference(model, fused, rows)
    is_wide = fused.embedding.dtype == torch.float32
    limit = OF_32_BITS if is_wide else ROUNDINGS * measure_rounding(model, rows)
    if not difference <= limit:  # nor is it where a model of NaNs is concerned
        raise CannotFuseError(
            f"the tight one's logits are off by {difference:.2g} of their spread, more than "
            f"{limit:.2g}"
        )


def shows_adapter(model: Any, fused: FusedModel, rows: Sequence[SampledRow]) -> bool:
    """Whether these logits are clearly nearer to the adapter's than those without it.

    They are not where it changes less than rounding does. Raises CannotFuseError where it changes
    more, in transformers' own loop, and next to nothing in the tight one: it is left out.
    """
    base = fuse(model, BASE)
    bare = [replace(row, adapter=BASE) for row in rows]
    moved = _compare_readers(FusedReader(fused), FusedReader(base), bare)
    expected = _compare_readers(_Fixed(model, rows), PlainReader(model), bare)
    if moved < expected / 4 and expected > measure_rounding(model, rows):
        raise CannotFuseError(
            f"the adapter moves the tight one's logits by {moved:.2g} of their spread, and not by "
            f"{expected:.2g}: its logits are off by what the adapter does"
        )
    return measure_difference(model, fused, rows) <= measure_difference(model, base, rows) / 2


def measure_difference(model: Any, fused: FusedModel, rows: Sequence[SampledRow]) -> float:
    """Between the two loops' logits, over their spread, on the shortest and the longest prompt."""
    return _compare_readers(FusedReader(fused), PlainReader(model), rows)


def measure_rounding(model: Any, rows: Sequence[SampledRow]) -> float:
    """As `measure_difference`: what a rounding in every layer does to transformers' own loop."""
    return _compare_readers(_RoundedAnew(model), PlainReader(model), rows)


class _Fixed(PlainReader):
    """The ordinary loop with one adapter, whatever rows it is given name."""

    def __init__(self, model: Any, rows: Sequence[SampledRow]) -> None:
        super().__init__(model)
        self._adapter = rows[0].adapter

    def read_prompts(self, rows: Sequence[SampledRow]) -> torch.Tensor:
        return super().read_prompts([replace(row, adapter=self._adapter) for row in rows])


class _RoundedAnew(PlainReader):
    """The ordinary loop, whose embeddings and layers' outputs are some of them an ulp off."""

    def read_prompts(self, rows: Sequence[SampledRow]) -> torch.Tensor:
        with _rounding_anew(self._model):
            return super().read_prompts(rows)

    def read_tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        with _rounding_anew(self._model):
            return super().read_tokens(tokens)


@contextmanager
def _rounding_anew(model: Any) -> Iterator[None]:
    base: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    layers = [base.model.embed_tokens, *base.model.layers]
    handles = [layer.register_forward_hook(_make_hook(at)) for at, layer in enumerate(layers)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _make_hook(seed: int) -> Callable[[Any, Any, torch.Tensor], torch.Tensor]:
    def move(_module: Any, _arguments: Any, output: torch.Tensor) -> torch.Tensor:
        chance = torch.Generator().manual_seed(seed)  # of its own: sampling's is not touched
        signs = torch.randint(-1, 2, output.shape, generator=chance).to(output.device)
        moved = output.float() * (1 + torch.finfo(output.dtype).eps * signs)
        return moved.to(output.dtype)

    return move


@torch.inference_mode()
def _compare_readers(ours: Reader, theirs: Reader, rows: Sequence[SampledRow]) -> float:
    ordered = sorted(rows, key=lambda row: len(row.prompt))
    checked = [ordered[0], ordered[-1]]
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
