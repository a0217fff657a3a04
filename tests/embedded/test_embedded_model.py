"""The shipped weights: they load like any hub model, round-trip text, and leave room to learn."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.embedded.countdown_text import Row
from rft_core.embedded.measure import held_out_rows, measure, render_prompt
from rft_core.embedded.pretrain import Recipe, pretrain

FOLDER = EMBEDDED_MODELS["embedded/countdown"]
TAGS = ("<think>", "</think>", "<answer>", "</answer>")


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.mark.parametrize(
    "text",
    [
        "<think>74 - 9 = 65 no\n65 - 15 = 50</think>\n<answer>74 - 9 - 15</answer>",
        "  leading,   inner \t and trailing  ",
        "\n\n\nnaïve 日本語 🎉 \u200b\r\n",
        " ' s n't . , !",
        "007 1234567890",
        "",
    ],
)
def test_any_text_round_trips_exactly(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_tags_and_digits_are_single_tokens(tokenizer):
    for tag in TAGS:
        assert len(tokenizer(tag)["input_ids"]) == 1
    assert len(tokenizer("1234567890")["input_ids"]) == 10
    assert tokenizer.eos_token_id != tokenizer.pad_token_id


def test_the_prompt_is_short_and_does_not_open_the_thought(tokenizer):
    prompt = render_prompt(tokenizer, Row((15, 74, 9), 50))
    assert len(tokenizer(prompt)["input_ids"]) <= 60
    assert prompt.endswith("<|assistant|>")


def test_the_chat_template_renders_all_roles(tokenizer):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    assert text == "<|system|>Be brief.<|user|>Hello<|assistant|>Hi<|end|>"


def test_the_weights_are_small_and_tied():
    model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    assert model.num_parameters() < 3_000_000
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 12_000_000


def test_the_base_has_room_to_learn_and_something_to_learn_from():
    figures = measure(FOLDER, prompts=64, samples=8)
    assert 0.10 < figures.correct.share < 0.42
    assert figures.pass_at_k.share > 0.5
    assert 0.55 < figures.format.share < 0.88


@pytest.mark.slow
def test_the_base_is_as_good_and_as_bad_as_its_recipe_promises(capsys):
    figures = measure(FOLDER, prompts=200, samples=8)
    with capsys.disabled():
        print(f"\n{figures}")
    assert 0.15 <= figures.correct.share <= 0.35
    assert figures.pass_at_k.share >= 0.60
    assert 0.60 <= figures.format.share <= 0.85


def test_the_recipe_says_what_was_measured():
    facts = json.loads((FOLDER / "recipe.json").read_text())
    assert facts["recipe"]["seed"] == Recipe().seed
    assert {figures["largest"] for figures in facts["measured"]} == {99, 20}


def test_held_out_rows_depend_on_the_seed_alone():
    assert held_out_rows(20) == held_out_rows(20)
    assert held_out_rows(20) != held_out_rows(20, seed=1)


def test_the_same_recipe_gives_the_same_weights(tmp_path):
    recipe = Recipe(steps=2, prompts_per_batch=2, hidden_size=32, intermediate_size=32, layers=1)
    for name in ("one", "two"):
        pretrain(recipe, tmp_path / name)
    one, two = (AutoModelForCausalLM.from_pretrained(tmp_path / n) for n in ("one", "two"))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
