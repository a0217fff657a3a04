"""Prompts are rendered when they are wanted; one that is too long is found before anybody waits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_core.data.prompt_set import PromptSet, make_prompt_set
from rft_core.data.split import Split
from rft_core.data.template import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.training import prompts as prompts_module
from rft_core.training.prompts import make_training_prompts
from tests.tiny_model import make_tiny_model

FRAME = 3  # tokens that the tiny model's chat template adds: <|user|>, <|end|>, <|assistant|>


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    folder: Path = make_tiny_model(tmp_path_factory.mktemp("tiny-model"))
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The prompts that have been rendered, in order, each as often as it was."""
    seen: list[str] = []
    render = prompts_module.render_prompt

    def render_and_note(tokenizer: Any, messages: Any, *more: Any) -> Any:
        seen.append(messages[-1]["content"])
        return render(tokenizer, messages, *more)

    monkeypatch.setattr(prompts_module, "render_prompt", render_and_note)
    yield seen


def make_set(questions: list[str], num_validation: int = 1) -> PromptSet:
    count = len(questions)
    split = Split(
        tuple(range(count - num_validation)), tuple(range(count - num_validation, count)), seed=0
    )
    template = PromptTemplate(system="", user="{{ question }}")
    rows = [{"question": question} for question in questions]
    return make_prompt_set(rows, name="questions", template=template, split=split)


def test_a_prompt_is_rendered_when_it_is_wanted_and_once(
    tokenizer: Any, rendered: list[str]
) -> None:
    prompts = make_training_prompts(make_set([f"q{i}" for i in range(9)]), tokenizer, room=100)
    rendered.clear()
    assert [prompts.train[at].record.position for at in (5, 2, 5)] == [5, 2, 5]
    assert prompts.train[5].record.text == "<|user|>q5<|end|><|assistant|>"
    assert prompts.train[-1].record.position == 7 and len(prompts.train) == 8
    assert [prompt.record.row for prompt in prompts.train[2:4]] == [
        {"question": "q2"}, {"question": "q3"},
    ]  # fmt: skip
    assert rendered == ["q5", "q2", "q7", "q3"]
    with pytest.raises(IndexError):
        prompts.train[8]
    assert prompts.of("validation")[0].record.row == {"question": "q8"}


@pytest.mark.parametrize("position", [0, 3, 7, 8])
def test_a_prompt_without_room_is_named_before_training(tokenizer: Any, position: int) -> None:
    questions = ["short"] * 9
    questions[position] = "x" * 18
    assert make_training_prompts(make_set(questions), tokenizer, room=18 + FRAME)
    where = "Prompt 1 of the validation" if position == 8 else f"Prompt {position + 1} of the train"
    with pytest.raises(BadInputError, match=f"{where} rows has 21 tokens"):
        make_training_prompts(make_set(questions), tokenizer, room=17 + FRAME)


def test_one_that_is_long_in_bytes_only_is_let_through(tokenizer: Any, rendered: list[str]) -> None:
    named = "<|user|>" * 5  # forty bytes, five tokens
    prompts = make_training_prompts(make_set(["q", named, "q", "v"]), tokenizer, room=10)
    assert named in rendered and len(prompts.train[1].token_ids) == 5 + FRAME


def test_a_template_that_repeats_its_message_is_found_out_when_it_is_asked_for(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = "{% for m in messages %}{{ m['content'] }}{{ m['content'] }}{% endfor %}"
    monkeypatch.setattr(tokenizer, "chat_template", twice)
    prompts = make_training_prompts(make_set(["q", "q" * 18, "v"]), tokenizer, room=30)
    with pytest.raises(BadInputError, match="Prompt 2 of the train rows has 36 tokens"):
        prompts.train[1]
