"""One sampler under chat, dry runs, evaluation and training: rows of token ids in, tokens out.

It decides how the rows are read: by the tight loop, each adapter's rows in a batch of their own,
where that can be (`decoding/`); else by the model's own forward, with the adapter merged into
the weights where all rows use the same one and the sum is exact enough, or beside them, row by row;
or put in place in turns, where adapters cannot share a batch (DoRA, layers trained whole).
What a row is given depends on its prompt, index and seed alone (see `decoding/loop.py`): two
ranks of one training must not pass the same index for the same prompt, so a row's index is its
place among the rows of *all* callers. No text here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Any

from rft_core.sampling.adapters import can_mix, only_adapter
from rft_core.sampling.decoding.fused_models import FusedModels
from rft_core.sampling.decoding.fused_reader import FusedReader
from rft_core.sampling.decoding.loop import Reader, SampledRow, Token, decode
from rft_core.sampling.decoding.plain_reader import PlainReader, SwitchingReader
from rft_core.sampling.sampling_params import SamplingParams
from rft_core.sampling.stop_strings import StopStrings

OnStep = Callable[[int], None]  # given the number of tokens so far; raises to stop the sampling


def ignore_steps(num_tokens: int) -> None:
    """The callback of those who neither watch nor cancel."""


@dataclass(frozen=True)
class SampledTokens:
    """What one row was given. `ended`: by an end token, which is then the last of `ids`, or by a
    stop string, which the last one completes.

    `logprobs` are natural and the model's own, before temperature, top-k and top-p.
    """

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    ended: bool


class Sampler:
    """Over one causal language model, bare or with PEFT's adapters. Make one and keep it.

    `rows_per_batch` bounds how many rows are decoded together; None: all of them. `keeps_weights`:
    an adapter of one name never changes, so what is prepared for it may be kept. `tokenizer`: for
    stop strings; nothing else is asked of it.
    """

    def __init__(
        self,
        model: Any,
        end_tokens: frozenset[int],
        rows_per_batch: int | None = None,
        *,
        keeps_weights: bool = False,
        tokenizer: Any = None,
    ) -> None:
        self.model, self._end_tokens, self._tokenizer = model, end_tokens, tokenizer
        self._rows_per_batch = rows_per_batch
        self.fused = FusedModels(model, keeps=keeps_weights)

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
        with _without_dropout(self.model):
            yield from self._stream(rows, params)

    def _stream(self, rows: Sequence[SampledRow], params: SamplingParams) -> Iterator[list[Token]]:
        fused = self.fused.get(rows)
        if fused is not None:
            readers: dict[str | None, Reader] = {n: FusedReader(one) for n, one in fused.items()}
            yield from self._decode_lanes(readers, rows, params)
            return
        names = {row.adapter for row in rows}
        is_alone = len(names) == 1
        if not is_alone and not all(can_mix(self.model, name) for name in names):
            readers = {name: SwitchingReader(self.model, name) for name in names}
            yield from self._decode_lanes(readers, rows, params)
            return
        with only_adapter(self.model, names.pop() if is_alone else None):
            rows = [replace(row, adapter=None) for row in rows] if is_alone else rows
            yield from self._decode(PlainReader(self.model), rows, params)

    def _decode(
        self, reader: Reader, rows: Sequence[SampledRow], params: SamplingParams
    ) -> Iterator[list[Token]]:
        stops = StopStrings(self._tokenizer, params.stop_strings) if params.stop_strings else None
        return decode(reader, rows, params, self._end_tokens, stops.end if stops else None)

    def _decode_lanes(
        self,
        readers: Mapping[str | None, Reader],
        rows: Sequence[SampledRow],
        params: SamplingParams,
    ) -> Iterator[list[Token]]:
        """Each adapter's rows by a reader of its own."""
        lanes = [self._decode_lane(one, name, rows, params) for name, one in readers.items()]
        yield from lanes[0] if len(lanes) == 1 else _abreast(lanes)

    def _decode_lane(
        self,
        reader: Reader,
        adapter: str | None,
        rows: Sequence[SampledRow],
        params: SamplingParams,
    ) -> Iterator[list[Token]]:
        """The rows of one adapter."""
        places = [place for place, row in enumerate(rows) if row.adapter == adapter]
        lane = [rows[place] for place in places]
        steps = self._decode(reader, lane, params)
        if len(lane) == len(rows):
            yield from steps
        for tokens in steps:
            yield [replace(token, row=places[token.row]) for token in tokens]

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


def _abreast(lanes: Sequence[Iterator[list[Token]]]) -> Iterator[list[Token]]:
    """The steps of all lanes at once, in the order of the rows."""
    for steps in zip_longest(*lanes, fillvalue=[]):
        yield sorted(chain.from_iterable(steps), key=lambda token: token.row)


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
