"""Lists, mappings and epochs as people write them, and as they are read back."""

import pytest

from rft_core.config import (
    RunConfig,
    describe_epochs,
    has_epochs,
    make_config,
    parse_assignments,
    parse_yaml,
    settle_epochs,
    to_yaml,
    without_unread,
    write_assignments,
    write_stages,
)
from rft_core.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", {}),
        ("enable_thinking=false", {"enable_thinking": False}),
        ("enable_thinking=False, effort=high, budget=3", {
            "enable_thinking": False, "effort": "high", "budget": 3,
        }),
        ('{"enable_thinking": false, "style": "a, b", "id": "1"}', {
            "enable_thinking": False, "style": "a, b", "id": "1",
        }),
        ('id="1"', {"id": "1"}),
    ],
)  # fmt: skip
def test_a_mapping_is_read_as_pairs_or_json_and_comes_back(text: str, read: dict) -> None:
    config = make_config({"chat_template_kwargs": text})
    assert config.chat_template_kwargs == read
    assert make_config(parse_assignments(write_assignments(config))) == config
    assert make_config(parse_yaml(to_yaml(config))) == config
    assert RunConfig(**config.model_dump(mode="json")) == config


def test_yaml_may_nest_them() -> None:
    text = """
chat_template_kwargs: {enable_thinking: false, effort: high}
stop_strings: ["a, b", "</answer>"]
generation_kwargs: {suppress_tokens: [3, 4]}
"""
    config = make_config(parse_yaml(text))
    assert config.chat_template_kwargs == {"enable_thinking": False, "effort": "high"}
    assert config.stop_strings == ("a, b", "</answer>")
    assert config.generation_kwargs == {"suppress_tokens": [3, 4]}
    assert make_config(parse_yaml(to_yaml(config))) == config


@pytest.mark.parametrize("text", ['["\\n\\n"]', "</answer>", '["a, b", " c "]', "a, b"])
def test_stop_strings_come_back_from_every_text_form(text: str) -> None:
    config = make_config({"stop_strings": text, "max_steps": "4"})
    assert config.stop_strings and make_config(parse_yaml(to_yaml(config))) == config
    assert make_config(parse_assignments(write_assignments(config))) == config
    packed = {"stages": [
        {"method": "grpo", "max_steps": 4, "settings": {"stop_strings": list(config.stop_strings)}}
    ]}  # fmt: skip
    staged = make_config(packed)
    assert make_config(parse_assignments(write_assignments(staged))) == staged
    assert staged.stages[0].settings["stop_strings"] == config.stop_strings


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("chat_template_kwargs=thinking", "name=value"),
        ("chat_template_kwargs={enable_thinking: false}", "no JSON object"),
        ("chat_template_kwargs=a=1, a=2", "given twice"),
        ("chat_template_kwargs=enable-thinking=false", "is no name"),
        ("chat_template_kwargs=[1]", "name=value"),
        ("generation_kwargs=temperature=0.5", "'temperature' is a setting of its own"),
        ("generation_kwargs=beams=3", "min_new_tokens, no_repeat_ngram_size, suppress_tokens"),
        ("generation_kwargs=min_new_tokens=many", "min_new_tokens"),
        ('stop_strings=[""]', "1 to 200 characters"),
    ],
)
def test_what_cannot_be_read_gets_one_sentence(assignment: str, told: str) -> None:
    with pytest.raises(BadInputError, match=assignment.partition("=")[0]) as caught:
        make_config(parse_assignments([assignment]))
    assert told in str(caught.value) and str(caught.value).count("(got") == 1


def test_epochs_become_steps_once() -> None:
    """64 completions a step: 8 groups of 8 for GRPO, 64 examples for SFT."""
    grpo = make_config({"num_train_epochs": "2"})
    assert has_epochs(grpo)
    assert describe_epochs(grpo, 400) == "2 epochs of 400 prompts = 100 steps"
    settled = settle_epochs(grpo, 400)
    assert (settled.max_steps, settled.num_train_epochs, has_epochs(settled)) == (100, None, False)
    assert settle_epochs(settled, 7) is settled
    for values, prompts, steps in (
        ({"num_train_epochs": "0.5"}, 401, 26),  # 200.5 prompts by 8, and the last step is whole
        ({"num_train_epochs": "1", "num_iterations": 3}, 80, 30),
        ({"num_train_epochs": "3", "method": "sft"}, 65, 4),
        ({"num_train_epochs": "1", "method": "ppo"}, 80, 20),  # a rollout is used twice
        ({"num_train_epochs": "1", "method": "online_st"}, 80, 10),
        ({"num_train_epochs": "1", "method": "offline_st"}, 80, 2),
        ({"num_train_epochs": "0.001"}, 5, 1),
    ):
        assert settle_epochs(make_config(values), prompts).max_steps == steps


def test_methods_of_pairs_count_judgements() -> None:
    config = make_config({"num_train_epochs": "2", "method": "dpo", "pair_set": "p"})
    batch = config.generation_batch_size
    assert settle_epochs(config, 7, 3 * batch).max_steps == 6
    assert describe_epochs(config, 7, batch).startswith(f"2 epochs of {batch} judgements = 2")


def test_a_stage_may_say_its_length_in_epochs() -> None:
    config = make_config({"stages": "sft 2epochs learning_rate=1e-4; grpo 30"})
    assert describe_epochs(config, 320) == "sft: 2 epochs of 320 prompts = 10 steps"
    assert make_config(parse_assignments(write_assignments(config))) == config
    assert write_stages(config.stages) == "sft 2epochs learning_rate=0.0001; grpo 30"
    settled = settle_epochs(config, 320)
    assert [stage.max_steps for stage in settled.stages] == [10, 30] and settled.max_steps == 40
    assert settled.stages[0].settings == {"learning_rate": 1e-4}
    assert make_config(parse_yaml(to_yaml(settled))) == settled
    with pytest.raises(BadInputError, match="each says its epochs"):
        make_config({"stages": "sft 2", "num_train_epochs": "1"})
    with pytest.raises(BadInputError, match="needs max_steps, or num_train_epochs"):
        make_config({"stages": [{"method": "sft"}]})


@pytest.mark.parametrize("said", ["1epoch", "0.5epochs", "20epochs", "0.001epochs"])
def test_epochs_of_a_stage_are_written_as_they_are_said(said: str) -> None:
    stages = f"sft {said}; grpo 30"
    assert write_stages(make_config({"stages": stages}).stages) == stages


@pytest.mark.parametrize("name", ["reft", "sft_grpo", "sft_online_st", "sft_offline_st"])
def test_recipes_begin_with_two_epochs_of_sft_however_many_prompts_there_are(name: str) -> None:
    config = make_config({"stages": name})
    assert [settle_epochs(config, count).stages[0].max_steps for count in (6_400, 64, 20)] == (
        [200, 2, 1]
    )


def test_what_grpo_alone_reads_is_refused_for_other_methods_and_left_out_of_forms() -> None:
    for name, value in (("loss_type", "cispo"), ("entropy_coef", 0.1), ("optim", "sgd")):
        values = {"method": "sft", name: value}
        if name == "optim":
            assert make_config(values).optim == "sgd"
            continue
        with pytest.raises(BadInputError, match=f"{name}: sft does not use it"):
            make_config(values)
        assert without_unread(values) == {"method": "sft"}
