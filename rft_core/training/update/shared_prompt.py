"""Shared prompts: the log probabilities of a group's completions, with its prompt read once.

The completions of a group continue one prompt, and a plain forward pass reads that prompt anew for
each of them, then scores prompt and padding with the rest. Here every distinct prompt is read once.
Its keys and values, repeated for its completions, are the past that these go on from: they see what
they would have seen, and the gradient of all of them flows back into the one reading. Completions
are taken by length, in chunks with little padding, and only their tokens reach the head.

The same numbers as the plain pass, to rounding (the idea is that of Prefix Grouper, arXiv
2506.05433; this form of it needs nothing but a model that takes a cache). `find_obstacle` says for
which models it does not hold.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from rft_core.training.update.token_logprobs import TokenReading, score_tokens

# A forward pass more costs what its many small calls cost, in every layer; a position more costs
# layers x width^2. So a chunk is worth 256 positions at width 128, fewer in a wider model. Below 32
# rows and columns a matrix product gains nothing. A GPU waits longer for calls than for positions.
COST_AT_WIDTH_1, LEAST_COST, LEAST_COST_ON_GPU = 256 * 128**2, 32, 4096
GROWING_ROPES = ("dynamic", "longrope")  # rotate by the longest row of a batch

ValueOf = Callable[[torch.Tensor], torch.Tensor]  # states [..., width] to values [...]


@dataclass(frozen=True)
class PaddedRows:
    """Token ids and mask (1: a token), both [rows, columns]. Completions begin at column `start`.

    Prompts are padded on their left and completions on their right, as TRL does.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    start: int

    def take(self, rows: torch.Tensor | slice) -> PaddedRows:
        return PaddedRows(self.ids[rows], self.mask[rows], self.start)

    @property
    def completion_mask(self) -> torch.Tensor:
        return self.mask[:, self.start :]

    def find_prompts(self) -> tuple[PaddedRows, torch.Tensor]:
        """Each distinct prompt once, and for each row the place of its own among them."""
        both = torch.cat([self.ids[:, : self.start], self.mask[:, : self.start]], dim=1)
        distinct, places = torch.unique(both, dim=0, return_inverse=True)
        ids, mask = distinct.chunk(2, dim=1)
        return PaddedRows(ids, mask, self.start), places


def find_obstacle(model: Any) -> str:
    """What about a model forbids to share prompts; empty if nothing does.

    What cannot be told by looking is found by comparing on a real batch, see `prompt_sharing.py`.
    """
    base = get_base(model)
    config, head = base.config.get_text_config(decoder=True), base.get_output_embeddings()
    ropes = getattr(config, "rope_parameters", None) or {}
    if config is not base.config:
        return "it reads more than text"
    if any(type(layer) is not DynamicLayer for layer in DynamicCache(config=config).layers):
        return "not all of its layers attend to everything before them"
    if ropes.get("rope_type") in GROWING_ROPES:
        return "its positions depend on the longest row of a batch"
    if type(head) is not torch.nn.Linear or head.weight.requires_grad:
        return "its head is trained, or is no plain matrix"
    dropouts = (module.p for module in model.modules() if isinstance(module, torch.nn.Dropout))
    if max(dropouts, default=0.0) > 0 or getattr(config, "attention_dropout", 0.0) > 0:
        return "with dropout, each completion of a group has its own way of reading the prompt"
    return ""


def get_base(model: Any) -> Any:
    """The causal language model inside PEFT's; its adapter's layers stay in place."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def score_completions(
    model: Any,
    rows: PaddedRows,
    temperature: float,
    value_of: ValueOf | None = None,
    *,
    entropies_pull: bool = False,
) -> TokenReading:
    """[rows, columns of completions]; with `value_of` the values of the same states as well.

    `entropies_pull`: whether the entropies carry a gradient too.
    """
    base = get_base(model)
    prompts, places = rows.find_prompts()
    past, ends = _read_prompts(base.base_model, prompts)
    lengths = rows.completion_mask.sum(dim=1)
    states, cells = [ends[:0]], [lengths.new_empty(0, 2)]  # for a batch without a single token
    for chunk in cut_by_length(lengths.tolist(), cost_of_a_chunk(ends)):
        chosen = torch.tensor(chunk, device=rows.ids.device)
        part = rows.take(chosen)
        seen = _read_completions(base.base_model, part, past, ends, places[chosen])
        is_token = part.completion_mask[:, : seen.shape[1]].bool()
        row, column = is_token.nonzero(as_tuple=True)
        states.append(seen[is_token])
        cells.append(torch.stack([chosen[row], column], dim=1))
    row, column = torch.cat(cells).unbind(dim=1)
    targets = rows.ids[row, rows.start + column]
    joined, head = torch.cat(states), base.get_output_embeddings()
    scored = [*score_tokens(joined, targets, head, temperature, entropies_pull=entropies_pull)]
    if value_of:
        scored.append(value_of(joined))
    nothing = scored[0].new_zeros(rows.completion_mask.shape)
    return TokenReading(*(nothing.index_put((row, column), numbers) for numbers in scored))


def cost_of_a_chunk(states: torch.Tensor) -> int:
    """In positions, for a model with such states [..., width]."""
    least = LEAST_COST if states.device.type == "cpu" else LEAST_COST_ON_GPU
    return max(least, COST_AT_WIDTH_1 // states.shape[-1] ** 2)


def cut_by_length(lengths: Sequence[int], cost: int) -> list[list[int]]:
    """Rows that are not empty, shortest first, cut where that saves more than `cost` positions."""
    order = np.argsort(lengths, kind="stable")
    order = order[np.asarray(lengths)[order] > 0]
    return [chunk.tolist() for chunk in _cut(order, np.asarray(lengths)[order], cost)]


def _cut(order: np.ndarray, lengths: np.ndarray, cost: int) -> list[np.ndarray]:
    """At the best place first, then each part alike."""
    if len(order) < 2:
        return [order] if len(order) else []
    saved = np.arange(1, len(order)) * (lengths[-1] - lengths[:-1])
    at = int(saved.argmax()) + 1
    if saved[at - 1] <= cost:
        return [order]
    return [*_cut(order[:at], lengths[:at], cost), *_cut(order[at:], lengths[at:], cost)]


def _read_prompts(backbone: Any, prompts: PaddedRows) -> tuple[Any, torch.Tensor]:
    """The cache of the distinct prompts, and their last states [prompts, width]."""
    output = backbone(input_ids=prompts.ids, attention_mask=prompts.mask, use_cache=True)
    return output.past_key_values, output.last_hidden_state[:, -1]


def _read_completions(
    backbone: Any,
    rows: PaddedRows,
    past: Any,
    ends: torch.Tensor,
    places: torch.Tensor,
) -> torch.Tensor:
    """The states [rows, longest completion, width] that each completion's tokens follow from.

    The first follows from its prompt's last state, so the last token itself need not be read.
    """
    end = rows.start + int(rows.completion_mask.sum(dim=1).max()) - 1
    first = ends.index_select(0, places)[:, None]
    if end == rows.start:
        return first
    output = backbone(
        input_ids=rows.ids[:, rows.start : end],
        attention_mask=rows.mask[:, :end],
        past_key_values=_repeat(past, places),
        use_cache=True,
    )
    return torch.cat([first, output.last_hidden_state], dim=1)


def _repeat(past: Any, places: torch.Tensor) -> Any:
    """A cache that begins with the prompts' keys and values, one for each row. `past` stays."""
    branch = copy.copy(past)
    branch.layers = [copy.copy(layer) for layer in past.layers]
    for layer in branch.layers:
        layer.keys = layer.keys.index_select(0, places)
        layer.values = layer.values.index_select(0, places)
    return branch
