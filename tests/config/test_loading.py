"""RunConfig reads what people type, and what it writes it reads again."""

import re
import shlex

import pytest

from rft_core.config import (
    METHODS,
    PRESETS,
    RunConfig,
    make_config,
    parse_assignments,
    parse_yaml,
    restore_config,
    to_yaml,
    write_assignments,
)
from rft_core.config.other_names import OTHER_NAMES
from rft_core.errors import BadInputError


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("name=2024", "2024"),
        ("name=yes", "yes"),
        ("name=a=b", "a=b"),
        ("name=[a, b]", "[a, b]"),
        ("name=", ""),
        ("prompt_set=91e6239412345678", "91e6239412345678"),
        ("prompt_set=0123456701234567", "0123456701234567"),
        ("prompt_set=", None),
        ("epsilon_high=", None),
        ("epsilon_high=0.28", 0.28),
        ("learning_rate=3e-4", 3e-4),
        ("max_steps=1_000", 1000),
        ("gradient_checkpointing=True", True),
        ("gradient_checkpointing=no", False),
        ("target_modules=q_proj", ("q_proj",)),
        ("target_modules=q_proj, v_proj", ("q_proj", "v_proj")),
        ("target_modules=[q_proj, 'v_proj']", ("q_proj", "v_proj")),
        ("target_modules=", ()),
    ],
)
def test_text_is_read_as_its_field_and_not_as_what_it_looks_like(
    assignment: str, value: object
) -> None:
    config = make_config(parse_assignments([assignment]))
    assert getattr(config, assignment.partition("=")[0]) == value


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("nonsense=1", "'nonsense' is not a setting[.]"),
        ("lr=1e-3", "'lr' is not a setting: use learning_rate"),
        ("use_vllm=true", "'use_vllm' is not a setting: use engine=vllm"),
        ("warmup_ratio=0.1", "use warmup_steps"),
        ("kl_coef=0.1", "use beta"),
        ("KL-Coef=0.1", "use beta"),
        ("learning_rat=1", "use learning_rate"),
        ("actor_rollout_ref.rollout.n=8", "use num_generations"),
        ("data.train_batch_size=4", "use per_device_train_batch_size"),
        ("data.nonsense=4", "'data.nonsense' is not a setting[.]"),
        ("reward_funcs=f", "use reward_set, or --rewards FILE"),
        ("loss_type=dr_gro", "loss_type: .*'dr_grpo'.*'cispo'"),
        ("stages=sft 5; grpo 5 lr=1", "no setting of a stage with grpo: use learning_rate"),
        ("max_steps=2.5", "max_steps: .* integer .*'2.5'"),
        ("beta=small", "beta: .* number .*'small'"),
        ("beta=nan", "beta: .*finite"),
        ("beta", "'beta' is not an assignment"),
        ("num_prompts=999999", "num_prompts: .* 100000"),
    ],
)
def test_a_mistake_is_named_with_its_field(assignment: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        make_config(parse_assignments([assignment]))


def test_what_other_tools_say_is_a_setting_here() -> None:
    for meant in OTHER_NAMES.values():
        assert re.split("[=,:]", meant)[0] in RunConfig.model_fields


CONFIGS = [
    *PRESETS.values(),
    {
        "name": "it's \"2024\"; rm -rf $HOME\n", "prompt_set": "0123456701234567",
        "target_modules": ("q_proj", "v_proj"), "epsilon_high": 0.28,
        "learning_rate": 1.2345678901e-05, "gradient_checkpointing": True,
    },
]  # fmt: skip


@pytest.mark.parametrize("values", CONFIGS)
def test_what_the_page_prints_the_command_line_reads(values: dict[str, object]) -> None:
    config = make_config(values)
    words = shlex.split(" ".join(shlex.quote(text) for text in write_assignments(config)))
    assert make_config(parse_assignments(words)) == config


@pytest.mark.parametrize("values", CONFIGS)
def test_yaml_gives_the_same_configuration_back(values: dict[str, object]) -> None:
    config = make_config(values)
    assert make_config(parse_yaml(to_yaml(config))) == config


def test_yaml_may_name_modules_in_one_text() -> None:
    config = make_config(parse_yaml("target_modules: q_proj, v_proj\nprompt_set: ''\n"))
    assert config.target_modules == ("q_proj", "v_proj")
    assert config == RunConfig(target_modules=("q_proj", "v_proj"))


BOMB = "a: &a0 [x, x]\n" + "".join(f"b{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "more than 10 aliases"),
        ("max_steps: " + "[" * 100_000, "nested more than 20 deep"),
        ("max_steps: " + "{a: " * 50, "nested more than 20 deep"),
        ("name: a\nmodel: b\nname: c\n", "'name' is set twice"),
        ("stages:\n- {method: grpo, method: rloo, max_steps: 3}\n", "'method' is set twice"),
        ("? [a, b]\n: c\n", "a key must be a name"),
        ("- a\n", "must be a mapping"),
        ("name: " + "x" * 300_000, "300006 characters"),
        ("a: [" + "1, " * 30_000 + "]", "more than 20000 parts"),
        ("name: !!python/object/apply:os.getcwd []", "name: "),
        ("max_steps: 1:30\n", "max_steps: .*'1:30'"),
        ("max_steps: 0x10\n", "max_steps: .*'0x10'"),
        ("max_steps: " + "9" * 5000, "max_steps: "),
        ("name: " + "x" * 50_000, "name: "),
        ("target_modules: {" + ", ".join(f"k{n}: v" for n in range(5000)) + "}", "target_modules"),
        ("stages: nothing 3\n", "no method named 'nothing'"),
        ("stages: [{method: grpo, max_steps: 3, settings: {model: x}}]\n", "'model' is no setting"),
        ("stages: grpo 3 beta=9\n", "beta: .* less than or equal to 1"),
        ("stages: grpo 3\nmax_steps: 7\n", "add up to 3"),
    ],
)  # fmt: skip
def test_a_hostile_or_mistaken_document_is_one_short_sentence(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        make_config(parse_yaml(text))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("value", ["y" * 5000, "a/" * 3000, "\ud800" * 2000, "'\"" * 3000])
@pytest.mark.parametrize("field", ["name", "model", "max_steps", "beta", "nonsense", "method"])
def test_no_error_quotes_more_than_200_characters_of_a_value(field: str, value: str) -> None:
    with pytest.raises(BadInputError) as caught:
        make_config(parse_assignments([f"{field}={value}"]))
    assert len(str(caught.value)) < 450 + len(", ".join(METHODS))  # which one message lists
    with pytest.raises(BadInputError) as caught:
        parse_assignments([value])
    assert len(str(caught.value)) < 300


def test_any_error_is_bounded_whatever_was_put_into_it() -> None:
    assert len(str(BadInputError("x" * 100_000, "y " * 100_000, "z"))) < 5000


def test_yaml_keeps_text_that_looks_like_something_else() -> None:
    config = make_config(parse_yaml("name: 2024\nprompt_set: 0123456701234567\nreward_set: null\n"))
    assert (config.name, config.prompt_set, config.reward_set) == ("2024", "0123456701234567", None)
    assert make_config(parse_yaml("name: 'null'\n")).name == "null"


STAGED = "grpo 10 beta=0.01 epsilon_high=; grpo 20 learning_rate=1e-4"


def test_stages_read_the_same_from_text_and_yaml_and_share_one_count_of_steps() -> None:
    config = make_config(parse_assignments([f"stages={STAGED}"]))
    assert config.max_steps == 30
    assert make_config(parse_yaml(to_yaml(config))) == config
    assert make_config(parse_assignments(write_assignments(config))) == config
    plans = list(config.plan_stages())
    assert [(plan.first_step, plan.config.max_steps) for plan in plans] == [(0, 10), (10, 20)]
    assert [plan.config.beta for plan in plans] == [0.01, RunConfig().beta]
    assert plans[1].config.learning_rate == 1e-4
    assert all(plan.config.stages == () for plan in plans)


def test_a_stored_configuration_outside_of_todays_bounds_is_still_read() -> None:
    config = restore_config({"learning_rate": 1.0, "beta": 10.0, "max_steps": 7})
    assert (config.learning_rate, config.beta, config.max_steps) == (1.0, 10.0, 7)
    with pytest.raises(BadInputError, match="beta"):
        restore_config({"beta": "small"})
