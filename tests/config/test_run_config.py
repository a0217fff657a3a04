"""Every setting is bounded, and is read by somebody."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rft_core.config import (
    METHODS,
    PRESETS,
    RECIPES,
    RunConfig,
    changed_fields,
    extra_of,
    get_method,
    make_config,
    parse_assignments,
    restore_config,
    uses,
    write_assignments,
)
from rft_core.config.methods import Family
from rft_core.errors import BadInputError
from rft_core.paths import PROJECT_ROOT

NUMBERS = [
    name
    for name, field in RunConfig.model_fields.items()
    if field.annotation in (int, float) or name == "epsilon_high"
]
READERS = ("rft_core/training", "rft_core/jobs", "rft_core/sampling", "rft_core/config")


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["1e300", "-1e300", "1e24", "1e-300"])
def test_no_number_is_accepted_that_no_training_could_bear(name: str, value: str) -> None:
    text = value if RunConfig.model_fields[name].annotation is not int else f"{float(value):.0f}"
    try:
        config = make_config({name: text})
    except BadInputError as error:
        assert name in str(error)
    else:  # a tiny one may be as good as the zero that is allowed
        assert float(value) == pytest.approx(0) and getattr(config, name) == pytest.approx(0)
        assert make_config({name: "0"})


@pytest.mark.parametrize(
    "assignments",
    [
        {"weight_decay": "1e300"},
        {"temperature": "1e-300"},
        {"lora_alpha": "1000000"},
        {"beta": "10"},
        {"learning_rate": "1"},
        {"max_grad_norm": "1e30"},
        {"epsilon_high": "1e308"},
    ],
)
def test_what_broke_runs_is_refused_by_name(assignments: dict[str, str]) -> None:
    (name,) = assignments
    with pytest.raises(BadInputError, match=name):
        make_config(assignments)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_legal(name: str) -> None:
    assert make_config(PRESETS[name])


def test_every_setting_is_read_by_a_method_and_by_some_code() -> None:
    """TRL's settings are handed over by name; all others must be named where they are read."""
    named = {name for folder in READERS for name in _attributes(PROJECT_ROOT / folder)}
    for name in RunConfig.model_fields:
        assert any(uses(method, name) for method in METHODS.values()), f"no method uses {name}"
        assert extra_of(name)["trl"] or name in named, f"nobody reads {name}"


def test_a_field_names_only_methods_and_families_that_exist() -> None:
    families = set(Family.__args__)  # type: ignore[attr-defined]
    for name in RunConfig.model_fields:
        assert set(extra_of(name)["methods"]) <= families | set(METHODS), name


@pytest.fixture
def slow_sft(monkeypatch: pytest.MonkeyPatch) -> None:
    """SFT with a learning rate of its own."""
    row = replace(METHODS["sft"], suited={"learning_rate": 1e-4})
    monkeypatch.setitem(METHODS, "sft", row)


def test_a_setting_that_nobody_chose_is_as_it_suits_the_method(slow_sft: None) -> None:
    assert make_config({"method": "sft"}).learning_rate == 1e-4
    assert make_config({"method": "sft", "learning_rate": "3e-3"}).learning_rate == 3e-3
    assert make_config({"method": "grpo"}).learning_rate == RunConfig().learning_rate
    again = restore_config(make_config({"method": "sft", "learning_rate": "5e-4"}).model_dump())
    assert again.learning_rate == 5e-4


@pytest.mark.parametrize(
    ("values", "rates"),
    [
        ({}, [1e-4, 5e-4]),
        ({"learning_rate": "2e-3"}, [2e-3, 2e-3]),
        ({"learning_rate": "5e-4"}, [5e-4, 5e-4]),  # chosen, though it is what others default to
        ({"stages": "sft 5 learning_rate=1e-3; grpo 5"}, [1e-3, 5e-4]),
    ],
)
def test_each_stage_has_what_suits_its_method(
    slow_sft: None, values: dict[str, str], rates: list[float]
) -> None:
    config = make_config({"stages": "sft 5; grpo 5", **values})
    assert [plan.config.learning_rate for plan in config.plan_stages()] == rates
    written = make_config(parse_assignments(write_assignments(config)))
    for again in (written, restore_config(config.model_dump(mode="json"))):
        assert list(again.plan_stages()) == list(config.plan_stages())


@pytest.mark.parametrize(
    "values",
    [
        {"method": "ppo", "beta": 0.001, "num_iterations": 1},
        {"method": "ppo"},
        {"method": "dpo", "beta": 0.2},
        {"method": "offline_st", "num_generations": 8},
        {"method": "grpo"},
    ],
)
def test_what_was_chosen_is_written_be_it_the_default_of_other_methods(
    values: dict[str, Any],
) -> None:
    config = make_config(values)
    assert make_config(parse_assignments(write_assignments(config))) == config
    assert set(changed_fields(config)) | {"method"} == set(values)


def _attributes(folder: Path) -> set[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in folder.rglob("*.py"))
    return {n.attr for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Attribute)}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_holds_rewards_to_the_policy_before_them_and_not_to_the_base(name: str) -> None:
    follows = False  # another policy than the base
    for plan in RunConfig(stages=RECIPES[name]).plan_stages():
        method = get_method(plan.config.method)
        if "rewards" in method.needs and uses(method, "reference"):
            assert plan.config.reference == ("stage_start" if follows else "base")
        follows = follows or method.leaves == "policy"
