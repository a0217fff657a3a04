"""Packed training batches: every completion is computed as if it stood alone after its prompt."""

import random

import torch

from rft_core.embedded.countdown_text import COUNTDOWN_TEXT
from rft_core.embedded.packing import IGNORED, collate, pack_text
from rft_core.embedded.pretrain import new_model
from rft_core.embedded.recipes import Recipe
from rft_core.embedded.tokenizer import train_tokenizer


def test_a_packed_completion_gets_the_logits_it_would_get_alone():
    rng = random.Random(0)
    recipe = Recipe(COUNTDOWN_TEXT, hidden_size=32, intermediate_size=32, layers=2)
    tokenizer = train_tokenizer(
        ["Using the numbers"] * 3, recipe.vocab_size, COUNTDOWN_TEXT.tags, COUNTDOWN_TEXT.pieces
    )
    torch.manual_seed(0)
    model = new_model(recipe, tokenizer).eval()
    packed = [pack_text(COUNTDOWN_TEXT, tokenizer, 4, rng) for _ in range(2)]
    with torch.inference_mode():
        batched = model(**collate(packed, tokenizer.pad_token_id)).logits
        for row, text in enumerate(packed):
            prompt = [i for i, s in zip(text.ids, text.segments, strict=True) if s == 0]
            for segment in (1, 4):
                places = [i for i, s in enumerate(text.segments) if s == segment]
                alone = torch.tensor([prompt + [text.ids[i] for i in places]])
                logits = model(input_ids=alone).logits[0, len(prompt) :]
                torch.testing.assert_close(batched[row, places], logits, atol=1e-4, rtol=1e-4)


def test_only_completion_tokens_carry_loss():
    rng = random.Random(1)
    tokenizer = train_tokenizer(
        ["Using the numbers"] * 3, 512, COUNTDOWN_TEXT.tags, COUNTDOWN_TEXT.pieces
    )
    text = pack_text(COUNTDOWN_TEXT, tokenizer, 4, rng)
    for i, label in enumerate(text.labels):
        starts = text.segments[i] != text.segments[i - 1] or text.segments[i] == 0
        assert label == (IGNORED if starts else text.ids[i])
