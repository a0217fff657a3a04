"""Every setting is bounded, and is read by somebody."""

import ast
from pathlib import Path

import pytest

from rft_core.config import METHODS, PRESETS, RunConfig, extra_of, make_config, uses
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


def _attributes(folder: Path) -> set[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in folder.rglob("*.py"))
    return {n.attr for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
