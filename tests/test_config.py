"""RunConfig reads what people type, and what it writes it reads again."""

import shlex

import pytest

from rft_core.config import (
    PRESETS,
    RunConfig,
    make_config,
    parse_assignments,
    parse_yaml,
    to_yaml,
    write_assignments,
)
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
        ("nonsense=1", "'nonsense' is not a setting"),
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
