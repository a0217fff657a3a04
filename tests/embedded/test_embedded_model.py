"""The shipped weights: they load like any hub model, round-trip text, and leave room to learn."""

import json
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.embedded.measure import measure
from rft_core.embedded.pretrain import pretrain
from rft_core.embedded.recipes import RECIPES, Recipe
from rft_core.tasks.countdown import COUNTDOWN
from rft_core.tasks.triton.kernels import TRITON_KERNELS_EASY

COUNTDOWN_FOLDER = EMBEDDED_MODELS["embedded/countdown"]
TRITON_FOLDER = EMBEDDED_MODELS["embedded/triton"]
WORDS_FOLDER = EMBEDDED_MODELS["embedded/word_problems"]
WORD_TASKS = RECIPES["word_problems"].text.tasks


@pytest.fixture(params=RECIPES)
def name(request):
    return request.param


@pytest.fixture
def folder(name):
    return EMBEDDED_MODELS[f"embedded/{name}"]


@pytest.fixture
def tokenizer(folder):
    return AutoTokenizer.from_pretrained(folder)


def test_every_recipe_has_its_model_and_every_model_its_recipe():
    assert {f"embedded/{name}" for name in RECIPES} == set(EMBEDDED_MODELS)


@pytest.mark.parametrize(
    "text",
    [
        "<think>74 - 9 = 65 no\n65 - 15 = 50</think>\n<answer>74 - 9 - 15</answer>",
        "<triton_code>\n@triton.jit\ndef kernel(x_ptr):\n    pass\n</triton_code>",
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


def test_tags_and_digits_are_single_tokens(tokenizer, name):
    for tag in RECIPES[name].text.tags:
        assert len(tokenizer(tag)["input_ids"]) == 1
    assert len(tokenizer("1234567890")["input_ids"]) == 10
    assert tokenizer.eos_token_id != tokenizer.pad_token_id


def test_the_prompt_is_short_and_does_not_open_the_completion(tokenizer, name):
    task = RECIPES[name].text.tasks[0]
    messages = task.prompt(task.example_row)
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert len(tokenizer(prompt)["input_ids"]) <= 80
    assert prompt.endswith("<|assistant|>")


def test_the_chat_template_renders_all_roles(tokenizer):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
    ]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    assert text == "<|system|>Be brief.<|user|>Hello<|assistant|>Hi<|end|>"


def test_the_weights_are_small_and_tied(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert model.num_parameters() < 3_000_000
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight


def test_all_weights_together_are_small():
    files = [path for folder in EMBEDDED_MODELS.values() for path in folder.iterdir()]
    assert sum(path.stat().st_size for path in files) < 25_000_000


def test_the_countdown_base_has_room_to_learn_and_something_to_learn_from():
    figures = measure(COUNTDOWN_FOLDER, COUNTDOWN, prompts=64, samples=8)
    assert 0.10 < figures.correct.share < 0.42
    assert figures.pass_at_k.share > 0.5
    assert 0.55 < figures.rewards["format"].share < 0.88


@pytest.mark.slow
def test_the_countdown_base_is_as_good_and_as_bad_as_its_recipe_promises(capsys):
    figures = measure(COUNTDOWN_FOLDER, COUNTDOWN, prompts=200, samples=8)
    with capsys.disabled():
        print(f"\n{figures}")
    assert 0.15 <= figures.correct.share <= 0.35
    assert figures.pass_at_k.share >= 0.60
    assert 0.60 <= figures.rewards["format"].share <= 0.85


@pytest.mark.slow
def test_the_triton_base_is_as_good_and_as_bad_as_its_recipe_promises(capsys):
    longest = RECIPES["triton"].longest_completion
    figures = measure(TRITON_FOLDER, TRITON_KERNELS_EASY, 100, 4, max_tokens=longest)
    with capsys.disabled():
        print(f"\n{figures}")
    assert 0.30 <= figures.correct.share <= 0.60
    assert figures.pass_at_k.share >= 0.70
    assert 0.05 <= figures.flagged.share <= 0.25
    assert figures.correct.share < figures.rewards["compilation"].share


@pytest.mark.parametrize("task", WORD_TASKS, ids=[task.name for task in WORD_TASKS])
def test_the_word_problems_base_answers_each_prompt_in_its_own_form(task):
    figures = measure(WORDS_FOLDER, task, prompts=32, samples=4)
    assert 0.08 < figures.correct.share < 0.50
    assert figures.pass_at_k.share > figures.correct.share + 0.1
    assert 0.55 < figures.rewards["format"].share < 0.92


@pytest.mark.slow
@pytest.mark.parametrize("task", WORD_TASKS, ids=[task.name for task in WORD_TASKS])
def test_the_word_problems_base_is_as_good_and_as_bad_as_its_recipe_promises(task, capsys):
    figures = measure(WORDS_FOLDER, task, prompts=200, samples=8)
    with capsys.disabled():
        print(f"\n{figures}")
    assert 0.15 <= figures.correct.share <= 0.40
    assert figures.pass_at_k.share >= 0.70
    assert 0.60 <= figures.rewards["format"].share <= 0.88


def test_the_recipe_says_what_was_measured(folder, name):
    facts = json.loads((folder / "recipe.json").read_text())
    assert facts["recipe"] == RECIPES[name].settings
    assert [figures["task"] for figures in facts["measured"]] == [
        task.name for task in RECIPES[name].text.tasks
    ]


def test_the_same_recipe_gives_the_same_weights(tmp_path, name):
    recipe = _make_small(RECIPES[name])
    for out in ("one", "two"):
        pretrain(recipe, tmp_path / out)
    one, two = (AutoModelForCausalLM.from_pretrained(tmp_path / n) for n in ("one", "two"))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_a_recipe_goes_on_from_what_the_one_before_it_made(tmp_path):
    recipe = _make_small(RECIPES["countdown"])
    assert recipe.after
    pretrain(recipe.after, tmp_path / "before")
    pretrain(replace(recipe, steps=0), tmp_path / "nothing more")
    pretrain(recipe, tmp_path / "after")
    before, same, after = (
        AutoModelForCausalLM.from_pretrained(tmp_path / name).get_input_embeddings().weight
        for name in ("before", "nothing more", "after")
    )
    assert torch.equal(before, same) and not torch.equal(before, after)


def _make_small(recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        after=_make_small(recipe.after) if recipe.after else None,
        steps=3,
        prompts_per_batch=2,
        warmup_steps=1,
        hidden_size=32,
        intermediate_size=32,
        layers=1,
        tokenizer_texts=200,
    )
