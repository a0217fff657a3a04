"""Streamed text is only ever appended to, and never ends in half a character."""

import random
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from rft_core.sampling.text_deltas import TextDeltas


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path):
    return AutoTokenizer.from_pretrained(tiny_model)


TEXTS = ["plain", "né 🙂👩‍👩‍👧 日本語", "  two  spaces\n", "<think> (1 + 2) </think>"]


@pytest.mark.parametrize("text", TEXTS)
def test_no_delta_ends_in_the_middle_of_a_character(tokenizer, text: str):
    deltas = TextDeltas(tokenizer)
    parts = [deltas.add(token) for token in tokenizer(text)["input_ids"]]
    assert "\ufffd" not in "".join(parts)
    assert "".join(parts) + deltas.finish() == text


def test_an_emoji_appears_only_when_its_last_byte_has_come(tokenizer):
    deltas = TextDeltas(tokenizer)
    assert [deltas.add(token) for token in tokenizer("🙂")["input_ids"]] == ["", "", "", "🙂"]


def test_an_unfinished_character_is_given_out_at_the_end(tokenizer):
    deltas = TextDeltas(tokenizer)
    parts = [deltas.add(token) for token in tokenizer("a🙂")["input_ids"][:3]]
    assert parts == ["a", "", ""]
    assert deltas.finish() == "\ufffd"


def test_deltas_of_random_bytes_join_to_the_decoded_whole(tokenizer):
    rng = random.Random(0)
    for _ in range(200):
        token_ids = [rng.randrange(len(tokenizer)) for _ in range(30)]
        deltas = TextDeltas(tokenizer)
        joined = "".join(deltas.add(token) for token in token_ids) + deltas.finish()
        assert joined == tokenizer.decode(token_ids, skip_special_tokens=True)
