"""Training batches in which several completions share one copy of their prompt.

A prompt is half of a text, and carries no loss. Written once and followed by several completions,
it costs a fraction; a mask and repeated positions make every completion see the prompt
and itself, as if it stood there alone. This file knows tensors, and nothing of the training loop.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import torch
from transformers import PreTrainedTokenizerBase

from rft_core.embedded.recipes import Recipe
from rft_core.embedded.text_source import TextSource

IGNORED = -100  # the label of tokens that carry no loss
DRILL_ROWS, DRILL_TOKENS = 24, 64  # of a batch of drills
POOL_BATCHES = 16  # rows are sorted by length within a pool, so that batches carry little padding


@dataclass(frozen=True)
class PackedText:
    """One prompt and its completions; each list has one entry per token."""

    ids: list[int]
    labels: list[int]
    positions: list[int]
    segments: list[int]  # 0: the prompt, seen by all; n: the n-th completion


def iterate_batches(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, rng: random.Random
) -> Iterator[dict[str, torch.Tensor]]:
    """Model inputs, for ever: texts, and drills among them as often as the recipe says."""
    texts, drills = _iterate_texts(recipe, tokenizer, rng), _iterate_drills(recipe, tokenizer, rng)
    for number in count(1):
        is_drill = recipe.drill_every and number % recipe.drill_every == 0
        yield next(drills if is_drill else texts)


def _iterate_texts(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, rng: random.Random
) -> Iterator[dict[str, torch.Tensor]]:
    """As many prompts and completions as the recipe says."""
    size, completions = recipe.prompts_per_batch, recipe.completions_per_prompt
    while True:
        pool = [
            pack_text(recipe.text, tokenizer, completions, rng) for _ in range(size * POOL_BATCHES)
        ]
        pool.sort(key=lambda text: len(text.ids))
        starts = list(range(0, len(pool), size))
        rng.shuffle(starts)
        for start in starts:
            yield collate(pool[start : start + size], tokenizer.pad_token_id)


def _iterate_drills(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, rng: random.Random
) -> Iterator[dict[str, torch.Tensor]]:
    """Drills one behind the other: they are so short that what went before does not matter."""
    while True:
        rows = [pack_drills(recipe.text, tokenizer, rng) for _ in range(DRILL_ROWS)]
        ids, labels = zip(*rows, strict=True)
        yield {"input_ids": torch.tensor(ids), "labels": torch.tensor(labels)}


def pack_drills(
    source: TextSource, tokenizer: PreTrainedTokenizerBase, rng: random.Random
) -> tuple[list[int], list[int]]:
    """Tokens and labels of as many drills as make a row; the last one may be cut off."""
    assert source.write_drill
    ids: list[int] = []
    labels: list[int] = []
    while len(ids) < DRILL_TOKENS:
        drill = source.write_drill(rng)
        given, wanted = (tokenizer(text)["input_ids"] for text in (drill.given, drill.wanted))
        ids.extend([*given, *wanted])
        labels.extend([*([IGNORED] * len(given)), *wanted])
    return ids[:DRILL_TOKENS], labels[:DRILL_TOKENS]


def pack_text(
    source: TextSource, tokenizer: PreTrainedTokenizerBase, completions: int, rng: random.Random
) -> PackedText:
    """One random row, and so many completions for it.

    Every completion starts with its own copy of the prompt's last token, which predicts its first.
    """
    sample = source.sample_text(rng)
    rendered = tokenizer.apply_chat_template(
        [dict(message) for message in sample.messages], tokenize=False, add_generation_prompt=True
    )
    *prompt, last = tokenizer(rendered)["input_ids"]
    packed = PackedText(
        prompt[:], [IGNORED] * len(prompt), list(range(len(prompt))), [0] * len(prompt)
    )
    for segment in range(1, completions + 1):
        text = sample.source.write_completion(sample.row, rng)
        completion = [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
        packed.ids.extend([last, *completion])
        packed.labels.extend([IGNORED, *completion])
        packed.positions.extend(range(len(prompt), len(prompt) + 1 + len(completion)))
        packed.segments.extend([segment] * (1 + len(completion)))
    return packed


def collate(texts: list[PackedText], pad: int) -> dict[str, torch.Tensor]:
    """Tensors of shape (texts, longest), and the mask (texts, 1, longest, longest)."""
    longest = max(len(text.ids) for text in texts)

    def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])

    segments = padded([text.segments for text in texts], -1)
    earlier = torch.ones(longest, longest, dtype=torch.bool).tril()
    visible = (segments[:, None, :] == 0) | (segments[:, None, :] == segments[:, :, None])
    hidden = ~(visible & earlier)
    return {
        "input_ids": padded([text.ids for text in texts], pad),
        "labels": padded([text.labels for text in texts], IGNORED),
        "position_ids": padded([text.positions for text in texts], 0),
        "attention_mask": (hidden * torch.finfo(torch.float32).min)[:, None],
    }
