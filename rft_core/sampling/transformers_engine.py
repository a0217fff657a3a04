"""The engine that runs everywhere: transformers and PEFT, one base in memory, adapters on demand.

A stream's lanes advance token by token together. Random numbers belong to (prompt, seed, index), so
sampling and streaming give the same completions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from rft_core.errors import BadInputError
from rft_core.sampling.adapters import Adapters
from rft_core.sampling.chat_template import describe_prompt, encode_rendered, render_prompt
from rft_core.sampling.decoding.loop import SampledRow, Token
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.engine import Checkpoint, carry_on
from rft_core.sampling.sampler import SampledTokens, Sampler, gather_tokens
from rft_core.sampling.service.messages import (
    Lane,
    LaneDone,
    RenderedPrompt,
    SamplingParams,
    TextDelta,
    TokensRead,
)
from rft_core.sampling.text_deltas import TextDeltas
from rft_core.sampling.token_reading import read_completion
from rft_core.types import Completion, Messages

ROWS_PER_BATCH = 64
SECONDS_BETWEEN_DELTAS = 0.02  # nobody reads faster, and a message costs half a small model's token


class TransformersEngine:
    """A resident base model; see `engine.Engine` for what its methods promise."""

    def __init__(
        self,
        model_name: str,
        model: PreTrainedModel,
        tokenizer: Any,
        rows_per_batch: int = ROWS_PER_BATCH,
    ) -> None:
        self.model_name = model_name
        self._tokenizer = tokenizer
        self._rows_per_batch = rows_per_batch
        self._adapters = Adapters(model)
        self._end_tokens = get_end_tokens(model, tokenizer)
        self._sampler = self._make_sampler()
        self._context_length: int | None = getattr(
            model.config.get_text_config(), "max_position_embeddings", None
        )

    @property
    def adapters(self) -> tuple[str, ...]:
        return self._adapters.folders

    def render(self, messages: Messages, params: SamplingParams) -> RenderedPrompt:
        return describe_prompt(self._tokenizer, messages, params.chat_template_kwargs)

    def sample(
        self,
        prompts: Sequence[Messages],
        n: int,
        params: SamplingParams,
        adapter: Path | None = None,
        checkpoint: Checkpoint = carry_on,
    ) -> Iterator[tuple[int, list[Completion]]]:
        tokenized = [self._tokenize(messages, params) for messages in prompts]
        name = self._adapters.ensure(adapter)
        rows = [SampledRow(prompt, index, name) for prompt in tokenized for index in range(n)]
        sampled = self._get_sampler().sample(rows, params, lambda _: checkpoint())
        for at in range(len(prompts)):
            yield at, [self._make_completion(next(sampled)) for _ in range(n)]

    def stream(
        self,
        messages: Messages,
        lanes: Sequence[Lane],
        params: SamplingParams,
        checkpoint: Checkpoint = carry_on,
    ) -> Iterator[TextDelta | LaneDone]:
        prompts = [self._tokenize(lane.messages or messages, params) for lane in lanes]
        for lane in lanes:  # all of them first: loading the first adapter changes the base's name
            self._adapters.ensure(lane.adapter, in_use=len(lanes))
        names = [self._adapters.ensure(lane.adapter, in_use=len(lanes)) for lane in lanes]
        rows = [
            SampledRow(prompt, lane.index, name)
            for prompt, lane, name in zip(prompts, lanes, names, strict=True)
        ]
        writers = [_LaneWriter(lane.label, self._tokenizer, params) for lane in lanes]
        started = shown = time.perf_counter()
        for step, tokens in enumerate(self._get_sampler().stream(rows, params)):
            checkpoint()
            for token in tokens:
                writers[token.row].tokens.append(token)
            now, writing = time.perf_counter(), [writers[token.row] for token in tokens]
            is_due = step == 0 or now - shown >= SECONDS_BETWEEN_DELTAS
            if not is_due and not any(writer.is_done for writer in writing):
                continue
            shown = now
            for writer in writing:
                yield writer.tell(now - started)
                if writer.is_done:
                    completion = self._make_completion(gather_tokens(writer.tokens))
                    yield LaneDone(writer.label, completion, writer.speed)

    def read_tokens(self, prompt: str, completion: str, adapter: Path | None = None) -> TokensRead:
        before = encode_rendered(self._tokenizer, prompt)
        written = self._tokenizer(completion, add_special_tokens=False)["input_ids"]
        self._check_fits(len(before), len(written))
        name = self._adapters.ensure(adapter)
        model, base = self._adapters.model, self._adapters.ensure(None)
        own = read_completion(model, name, before, written)
        of_base = own if name == base else read_completion(model, base, before, written)
        pieces = tuple(self._tokenizer.decode([token]) for token in written)
        return TokensRead(pieces, own.logprobs, own.entropies, of_base.logprobs)

    def _get_sampler(self) -> Sampler:
        if self._sampler.model is not self._adapters.model:  # the first adapter wraps the base
            self._sampler = self._make_sampler()
        return self._sampler

    def _make_sampler(self) -> Sampler:
        """An adapter that is saved again gets another name, so what is kept for one stays true."""
        model = self._adapters.model
        return Sampler(
            model, self._end_tokens, self._rows_per_batch, keeps_weights=True,
            tokenizer=self._tokenizer,
        )  # fmt: skip

    def _make_completion(self, sampled: SampledTokens) -> Completion:
        return Completion(
            text=self._tokenizer.decode(sampled.ids, skip_special_tokens=True),
            token_ids=sampled.ids,
            truncated=not sampled.ended,
            logprob=sum(sampled.logprobs),
        )

    def _tokenize(self, messages: Messages, params: SamplingParams) -> tuple[int, ...]:
        _, token_ids = render_prompt(self._tokenizer, messages, params.chat_template_kwargs)
        self._check_fits(len(token_ids), params.max_completion_length)
        return tuple(token_ids)

    def _check_fits(self, num_prompt_tokens: int, longest: int) -> None:
        if self._context_length is None or num_prompt_tokens + longest <= self._context_length:
            return
        raise BadInputError(
            "The prompt and its completion do not fit the model",
            f"{num_prompt_tokens} prompt tokens and max_completion_length {longest} exceed its "
            f"{self._context_length} positions",
            "Shorten the prompt or lower max_completion_length",
        )


class _LaneWriter:
    """What one lane has written, and how much of it has been told."""

    def __init__(self, label: str, tokenizer: Any, params: SamplingParams) -> None:
        self.label, self.tokens, self.speed = label, list[Token](), 0.0
        self._text, self._told = TextDeltas(tokenizer), 0
        self._most = params.max_completion_length

    @property
    def is_done(self) -> bool:
        return self.tokens[-1].is_end or len(self.tokens) == self._most

    def tell(self, seconds: float) -> TextDelta:
        """The text since the last time; `seconds` since the start."""
        text = self._text.add(*(token.token_id for token in self.tokens[self._told :]))
        text += self._text.finish() if self.is_done else ""
        self._told, self.speed = len(self.tokens), len(self.tokens) / seconds
        return TextDelta(self.label, text, self._told, self.speed)
