"""One sampler under chat, dry runs, evaluation and training: rows of token ids in, tokens out.

It decides how the adapter runs: merged into the weights where all rows use the same one and the sum
is exact enough, else beside them, row by row. What a row is given depends on its prompt, its index
and the seed alone (see `decoding.py`): two ranks of one training must not pass the same index for
the same prompt, so a row's index is its place among the rows of *all* callers. No text here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from rft_core.sampling.adapters import only_adapter
from rft_core.sampling.decoding import SampledRow, Token, decode
from rft_core.sampling.service.messages import SamplingParams

OnStep = Callable[[int], None]  # given the number of tokens so far; raises to stop the sampling


def ignore_steps(num_tokens: int) -> None:
    """The callback of those who neither watch nor cancel."""


@dataclass(frozen=True)
class SampledTokens:
    """What one row was given. `ended`: by an end token, which is then the last of `ids`.

    `logprobs` are natural and the model's own, before temperature, top-k and top-p.
    """

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    ended: bool


class Sampler:
    """Over one causal language model, bare or with PEFT's adapters. Cheap to make.

    `rows_per_batch` bounds how many rows are decoded together; None: all of them.
    """

    def __init__(
        self, model: Any, end_tokens: frozenset[int], rows_per_batch: int | None = None
    ) -> None:
        self._model, self._end_tokens = model, end_tokens
        self._rows_per_batch = rows_per_batch

    def sample(
        self, rows: Sequence[SampledRow], params: SamplingParams, on_step: OnStep = ignore_steps
    ) -> Iterator[SampledTokens]:
        """The tokens of each row, in order. The model is as it was whenever this yields."""
        size = self._rows_per_batch or max(1, len(rows))
        for start in range(0, len(rows), size):
            yield from self._sample_batch(rows[start : start + size], params, on_step)

    def stream(self, rows: Sequence[SampledRow], params: SamplingParams) -> Iterator[list[Token]]:
        """Step by step, the new token of every row that is still being written.

        Close the iterator before anything else uses the model: an adapter may be merged until then.
        """
        names = {row.adapter for row in rows}
        if len(names) != 1:
            with _without_dropout(self._model):
                yield from decode(self._model, rows, params, self._end_tokens)
            return
        plain = [replace(row, adapter=None) for row in rows]
        with _without_dropout(self._model), only_adapter(self._model, names.pop()):
            yield from decode(self._model, plain, params, self._end_tokens)

    def _sample_batch(
        self, rows: Sequence[SampledRow], params: SamplingParams, on_step: OnStep
    ) -> list[SampledTokens]:
        written: list[list[Token]] = [[] for _ in rows]
        steps = self.stream(rows, params)
        try:
            for step, tokens in enumerate(steps, start=1):
                for token in tokens:
                    written[token.row].append(token)
                on_step(step)
        finally:
            steps.close()  # type: ignore[attr-defined]  # a generator
        return [gather_tokens(tokens) for tokens in written]


def gather_tokens(tokens: Sequence[Token]) -> SampledTokens:
    """One row's tokens as one value."""
    return SampledTokens(
        tuple(token.token_id for token in tokens),
        tuple(token.logprob for token in tokens),
        bool(tokens) and tokens[-1].is_end,
    )


@contextmanager
def _without_dropout(model: Any) -> Iterator[None]:
    """Without gradient checkpointing, too, which would forget the cache."""
    was_training = model.training
    if was_training:
        model.eval()
    try:
        yield
    finally:
        if was_training:
            model.train()
