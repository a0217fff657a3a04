"""The decode loop: many rows at once, each with random numbers of its own.

A row's tokens depend on its prompt, its seed and its index, not on what else is in the batch: each
row draws one uniform number per token from its own generator and inverts the distribution with it.
Two adapters given the same prompt and seed therefore face the same luck, and differ only where
they disagree. Rows that finish leave the batch. Where the logits come from is a `Reader`'s affair:
the model's own forward (`plain_reader.py`) or the tight loop (`fused_reader.py`). Knows nothing of
sockets or adapters' files, and of text only whom to ask whether it ends there.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from rft_core.errors import RftError
from rft_core.sampling.decoding.token_rules import TokenRules
from rft_core.sampling.sampling_params import SamplingParams

LARGEST_UNIFORM = 1 - 2**-24  # the largest float32 below 1


@dataclass(frozen=True)
class SampledRow:
    """One completion to sample. `adapter` is its name inside PEFT; None: whatever is active."""

    prompt: tuple[int, ...]
    index: int  # tells completions of one prompt apart, over all callers that share a seed
    adapter: str | None = None


@dataclass(frozen=True)
class Token:
    """The token that one row has just been given."""

    row: int
    token_id: int
    logprob: float
    is_end: bool


HasStopped = Callable[[Sequence[int]], bool]  # given the tokens of a completion so far


class Reader(Protocol):
    """What reads rows of tokens, remembers them, and says what may come next."""

    device: torch.device

    def read_prompts(self, rows: Sequence[SampledRow]) -> torch.Tensor:
        """Logits of each row's first token [rows, vocabulary]. Equal prompts are read once."""

    def keep(self, places: torch.Tensor) -> None:
        """Forget all rows but those at these places; from now on they stand in this order."""

    def read_tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits [rows, vocabulary] after one more token of each row that is kept [rows]."""


@torch.inference_mode()
def decode(
    reader: Reader,
    rows: Sequence[SampledRow],
    params: SamplingParams,
    end_tokens: frozenset[int],
    has_stopped: HasStopped | None = None,
) -> Iterator[list[Token]]:
    """Yield, step by step, the new token of every row that is still being written.

    `has_stopped`: whether a completion of these tokens ends there, though with no end token.
    """
    luck = [make_row_rng(params.seed, row) for row in rows]
    rules = None
    if TokenRules.are_needed(params):
        rules = TokenRules([row.prompt for row in rows], params, end_tokens)
    written: list[list[int]] = [[] for _ in rows]
    living = list(range(len(rows)))
    logits = reader.read_prompts(rows)
    for step in range(params.max_completion_length):
        uniforms = torch.tensor([luck[row].random() for row in living], device=reader.device)
        ruled = rules.apply(logits) if rules else None
        tokens, logprobs = pick_tokens(logits, uniforms, params, ruled)
        picked = []
        for row, token, logprob in zip(living, tokens.tolist(), logprobs.tolist(), strict=True):
            written[row].append(token)
            stops = has_stopped is not None and has_stopped(written[row])
            picked.append(Token(row, token, logprob, token in end_tokens or stops))
        _require_numbers(picked)
        yield picked
        keep = close_gaps([token.is_end for token in picked])
        if not keep or step + 1 == params.max_completion_length:
            return
        if rules:
            rules.add(tokens)
        if len(keep) < len(living):
            places = torch.tensor(keep, device=reader.device)
            reader.keep(places)
            if rules:
                rules.keep(places)
            tokens = tokens[places]
            living = [living[place] for place in keep]
        logits = reader.read_tokens(tokens)


def _require_numbers(tokens: Sequence[Token]) -> None:
    """Without this, a model of NaNs would go on as if it wrote the last token of its vocabulary."""
    if any(math.isnan(token.logprob) for token in tokens):
        raise RftError(
            "The model gives no numbers",
            "The probabilities of its next token are NaN, so its weights or its adapter are broken",
            "Go back to an earlier checkpoint, or use another model or dtype",
        )


def make_row_rng(seed: int, row: SampledRow) -> np.random.Generator:
    """The row's own generator, keyed by seed, prompt and index: never by its place in a batch."""
    prompt = hashlib.sha256(np.asarray(row.prompt, dtype=np.int64).tobytes()).digest()
    return np.random.default_rng([seed, row.index, *np.frombuffer(prompt, dtype=np.uint32)])


def pick_tokens(
    logits: torch.Tensor,
    uniforms: torch.Tensor,
    params: SamplingParams,
    ruled: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens [rows] and their log probabilities [rows] from logits [rows, vocabulary].

    The token is where the cumulative distribution, after temperature, top-k, top-p and min-p,
    passes the row's uniform number. Temperature 0 takes the likeliest token. `ruled`: the logits to
    choose by, where they are not the model's own; log probabilities are always its own.
    """
    plain = torch.log_softmax(logits.float(), dim=-1)
    scores = plain if ruled is None else ruled
    if params.temperature == 0:
        tokens = scores.argmax(dim=-1)
    else:
        shaped = _keep_likeliest(scores / params.temperature, params)
        cumulative = torch.softmax(shaped, dim=-1, dtype=torch.float64).cumsum(dim=-1)
        # A float32 uniform may have been rounded up to 1, which lies past every token.
        below_one = uniforms[:, None].to(cumulative).clamp(max=LARGEST_UNIFORM)
        tokens = torch.searchsorted(cumulative, below_one * cumulative[:, -1:], right=True)[:, 0]
        tokens = tokens.clamp(max=logits.shape[-1] - 1)  # where the model gave no number at all
    return tokens, plain.gather(1, tokens[:, None])[:, 0]


def _keep_likeliest(scores: torch.Tensor, params: SamplingParams) -> torch.Tensor:
    """What is outside top-k, then outside the smallest set with mass `top_p`, then less likely than
    `min_p` times the likeliest, becomes -inf."""
    if 0 < params.top_k < scores.shape[-1]:
        smallest = scores.topk(params.top_k, dim=-1).values[:, -1:]
        scores = scores.masked_fill(scores < smallest, -torch.inf)
    if params.top_p < 1:
        ordered, order = scores.sort(dim=-1, descending=True, stable=True)
        mass = ordered.softmax(dim=-1)
        is_surplus = mass.cumsum(dim=-1) - mass >= params.top_p  # the mass before it suffices
        is_outside = torch.zeros_like(is_surplus).scatter(1, order, is_surplus)
        scores = scores.masked_fill(is_outside, -torch.inf)
    if params.min_p > 0:
        least = scores.amax(dim=-1, keepdim=True) + math.log(params.min_p)
        scores = scores.masked_fill(scores < least, -torch.inf)
    return scores


def close_gaps(has_ended: Sequence[bool]) -> list[int]:
    """The places of the rows that go on. The last of them fill the gaps, so that few rows move."""
    going_on = [place for place, ended in enumerate(has_ended) if not ended]
    last = iter(reversed(going_on))
    return [
        next(last) if ended else place for place, ended in enumerate(has_ended[: len(going_on)])
    ]


def pad_left(prompts: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[list[bool]]]:
    """Prompts as one rectangle, so that all end at the same column; and which tokens are theirs."""
    width = max(len(prompt) for prompt in prompts)
    tokens = [[0] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    visible = [[False] * (width - len(prompt)) + [True] * len(prompt) for prompt in prompts]
    return tokens, visible
