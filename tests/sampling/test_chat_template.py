"""The exact prompt: with a chat template and without one."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from rft_core.errors import BadInputError
from rft_core.sampling.chat_template import describe_prompt, render_prompt
from tests.tiny_model import make_tiny_model

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hé"}]


def test_the_prompt_is_the_one_that_the_chat_template_tokenises(tiny_model: Path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    text, token_ids = render_prompt(tokenizer, MESSAGES)
    assert text == "<|system|>Be brief.<|end|><|user|>Hé<|end|><|assistant|>"
    expected = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True)["input_ids"]
    assert token_ids == expected
    assert tokenizer.decode(token_ids) == text


def test_without_a_template_the_contents_are_joined_by_blank_lines(tmp_path: Path):
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_model(tmp_path, chat_template=None))
    text, token_ids = render_prompt(tokenizer, MESSAGES)
    assert text == "Be brief.\n\nHé"
    assert token_ids == tokenizer(text)["input_ids"]


def test_the_pieces_show_one_token_each(tiny_model: Path):
    prompt = describe_prompt(AutoTokenizer.from_pretrained(tiny_model), MESSAGES)
    assert len(prompt.pieces) == len(prompt.token_ids)
    assert prompt.pieces[:3] == ("<|system|>", "B", "e")


def test_a_refusing_template_is_explained(tiny_model: Path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.chat_template = "{{ raise_exception('System role not supported') }}"
    with pytest.raises(BadInputError, match="System role not supported"):
        render_prompt(tokenizer, MESSAGES)


def test_a_message_without_text_is_refused(tiny_model: Path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    for messages in ([], [{"role": "user"}], [{"role": "user", "content": None}]):
        with pytest.raises(BadInputError):
            render_prompt(tokenizer, messages)
