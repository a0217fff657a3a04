"""From what people write to a RunConfig, and back: YAML, `--set key=value`, and mappings.

Text is read as its field says, never as what it looks like: `name: 2024` stays text, `max_steps:
1:30` is a mistake and not 90. A document of hostile size, depth or repetition is refused with one
sentence before anything is built from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from rft_core.config.methods import METHODS
from rft_core.config.other_names import find_meant
from rft_core.config.run_config import RunConfig, uses
from rft_core.config.stages import write_stages
from rft_core.config.written import read_word, write_setting
from rft_core.errors import BadInputError, quote

LONGEST_YAML = 200_000  # characters
DEEPEST_YAML = 20
MOST_ALIASES = 10
MOST_YAML_PARTS = 20_000
MOST_MISTAKES_TOLD = 20
BOUND_ERRORS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
NULLS = ("", "~", "null", "Null", "NULL")


def make_config(values: Mapping[str, Any]) -> RunConfig:
    """Validate; every mistake is named in one `BadInputError`, one sentence per field.

    A setting that none of the run's methods reads is a mistake too, unless it has its default.
    """
    try:
        config = RunConfig(**values)
    except ValidationError as error:
        told = [_explain(problem) for problem in error.errors()[:MOST_MISTAKES_TOLD]]
        raise _not_valid(told) from error
    except RecursionError as error:
        raise _not_valid(["A value is nested too deeply"]) from error
    if unread := _list_unread(config):
        names = " and ".join(method.name for method in config.methods)
        raise _not_valid([f"{name}: {names} does not use it" for name in unread])
    return config


def restore_config(values: Mapping[str, Any]) -> RunConfig:
    """A configuration that was stored once: what was legal then is read now.

    Bounds may have become narrower since, and settings may not have been told apart by method.
    Raises `BadInputError` for what was never legal.
    """
    try:
        return RunConfig(**values)
    except ValidationError as error:
        outside = {
            str(problem["loc"][0]): problem["input"]
            for problem in error.errors()
            if problem["type"] in BOUND_ERRORS and len(problem["loc"]) == 1
        }
    if not outside:
        return make_config(values)  # which says what is wrong
    inside = {name: value for name, value in values.items() if name not in outside}
    return make_config(inside).model_copy(update=outside)


def without_unread(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` without the settings that the methods they name do not read.

    For forms and forks, which bring every field: what was set for another method is no mistake.
    """
    try:
        chosen = {name: values[name] for name in ("method", "stages") if values.get(name)}
        methods = RunConfig(**chosen).methods
    except ValidationError:
        return dict(values)  # `make_config` will say what is wrong
    return {
        name: value
        for name, value in values.items()
        if name not in RunConfig.model_fields or any(uses(method, name) for method in methods)
    }


def parse_yaml(text: str) -> dict[str, Any]:
    """The mapping in a YAML document, its scalars as text; an empty one is an empty mapping."""
    if len(text) > LONGEST_YAML:
        raise _not_yaml(f"It has {len(text)} characters; {LONGEST_YAML} are allowed")
    try:
        _check_shape(text)
        values = yaml.load(text, _TextLoader)
    except yaml.YAMLError as error:
        raise _not_yaml(str(error).replace("\n", " ")) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise BadInputError(
            "The configuration must be a mapping of field: value",
            "",
            "Write one `field: value` a line",
        )
    return {
        name: _read_words(value) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def parse_assignments(assignments: list[str]) -> dict[str, str]:
    """`["beta=0.01", "name=2024"]` -> text by field, for `make_config` to read."""
    values = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadInputError(f"{quote(text)} is not an assignment", "", "Write --set key=value")
        values[key] = value
    return values


def write_assignments(config: RunConfig) -> list[str]:
    """What differs from the defaults, as `parse_assignments` reads it."""
    changed = changed_fields(config)
    if config.stages:  # the steps and the last method follow from them
        changed = {k: v for k, v in changed.items() if k not in ("max_steps", "method")}
        changed["stages"] = write_stages(config.stages)
    return [f"{name}={write_setting(value)}" for name, value in changed.items()]


def complete_stages(text: str, values: Mapping[str, Any]) -> str:
    """Stages with all that suits their methods written out; text that is none stays as it is.

    `values`: the run's settings. What was chosen there holds in every stage, and is not written.
    """
    suited = {name for method in METHODS.values() for name in method.suited}
    try:
        run = make_config({name: value for name, value in values.items() if name in suited})
        chosen = {name: value for name, value in changed_fields(run).items() if name in suited}
        return write_stages(make_config({**chosen, "stages": text}).stages) if text else ""
    except BadInputError:
        return text


def to_yaml(config: RunConfig) -> str:
    """All fields, in declaration order; `parse_yaml` + `make_config` gives the same config back."""
    values = {
        name: write_setting(value) if isinstance(value, dict) else value
        for name, value in config.model_dump(mode="json").items()
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def changed_fields(config: RunConfig) -> dict[str, Any]:
    """What differs from the defaults: those of its method; of a run in stages, those of all."""
    default = RunConfig()
    same_method = default if config.stages else RunConfig(method=config.method)
    defaults = {**same_method.model_dump(mode="json"), "method": default.method}
    return {k: v for k, v in config.model_dump(mode="json").items() if v != defaults[k]}


class _TextLoader(yaml.loader.BaseLoader):
    """Every scalar is text, except an empty one and null; a repeated key is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(names) < len(node.value):
            raise yaml.YAMLError("a key must be a name")
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{quote(name)} is set twice")
        return super().construct_mapping(node, deep=deep)


def _read_words(value: Any) -> Any:
    """A mapping's words as JSON would have them: `{enable_thinking: false}` is a switch."""
    if isinstance(value, dict):
        return {name: _read_words(one) for name, one in value.items()}
    return [read_word(one) for one in value] if isinstance(value, list) else read_word(value)


def _construct_scalar(loader: Any, node: yaml.ScalarNode) -> str | None:
    is_plain = node.style is None
    return None if is_plain and node.value in NULLS else str(node.value)


_TextLoader.add_constructor("tag:yaml.org,2002:str", _construct_scalar)


def _check_shape(text: str) -> None:
    """Raise before anything is built. The parser is lazy: what follows a refusal is not read."""
    depth = aliases = 0
    for count, event in enumerate(yaml.parse(text, yaml.loader.BaseLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > DEEPEST_YAML:
            raise yaml.YAMLError(f"it is nested more than {DEEPEST_YAML} deep")
        if aliases > MOST_ALIASES:
            raise yaml.YAMLError(f"it has more than {MOST_ALIASES} aliases")
        if count > MOST_YAML_PARTS:
            raise yaml.YAMLError(f"it has more than {MOST_YAML_PARTS} parts")


def _list_unread(config: RunConfig) -> list[str]:
    default = RunConfig()
    return [
        name
        for name in RunConfig.model_fields
        if getattr(config, name) != getattr(default, name)
        and not any(uses(method, name) for method in config.methods)
    ]


def _explain(problem: Any) -> str:
    field = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        meant = find_meant(field, RunConfig.model_fields)
        return f"{quote(field)} is not a setting" + (f": use {meant}" if meant else "")
    if not field:
        return message
    return f"{field:.200}: {message} (got {quote(problem.get('input'))})"


def _not_valid(mistakes: list[str]) -> BadInputError:
    return BadInputError(
        "The configuration is not valid",
        "; ".join(mistakes),
        "Correct these settings; `python -m rft_core settings` tells what there is",
    )


def _not_yaml(why: str) -> BadInputError:
    return BadInputError("The configuration is not YAML", why, "Write one `field: value` a line")
