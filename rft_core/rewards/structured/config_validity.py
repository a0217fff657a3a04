"""Configuration text that parses as JSON, YAML, TOML or INI and has the keys that are asked for.

Nearly every text is valid YAML, and the empty text is valid TOML: so the top must be a mapping
that holds something. Keys written twice are refused in all four. Values are not looked at. Keys
are found as they are written (`on` and `8080` too), in INI without regard to case, as it is read.
"""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from rft_core.rewards.completion_text import EXTRACTIONS, parse_strict_json
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import TEXT_EXTRACTION, GraderInfo, GraderOption
from rft_core.types import Row

LONGEST_TEXT = 20_000  # PyYAML is slow
KEY_COLUMN = "required_keys"


def grade_config(
    completion: str,
    row: Row,
    *,
    language: str = "yaml",
    extraction: str = "fenced",
    required_keys: str = "",
    partial: bool = False,
) -> Grade:
    """1 if it parses and has every required key; with `partial` the share of the keys it has.

    Keys are dotted paths, apart by commas; where the option is empty, the row's `required_keys`.
    """
    keys = _keys(required_keys or row.get(KEY_COLUMN))
    if keys is None:
        return Grade(None, f"The row's '{KEY_COLUMN}' are neither a text nor a list.")
    text = EXTRACTIONS[extraction](completion)
    if text.text is None:
        return Grade(0.0, text.problem, text.flags)
    parsed = _read(text.text, language)
    if isinstance(parsed, Grade):
        return parsed
    missing = [key for key in keys if not _has(parsed, _path(key, language))]
    if missing:
        score = 1 - len(missing) / len(keys) if partial else 0.0
        return Grade(score, f"It lacks {len(missing)} of {len(keys)} keys: {', '.join(missing)}.")
    return Grade(1.0, f"It is valid {language.upper()}" + (" with every key." if keys else "."))


def _read(text: str, language: str) -> Mapping[Any, Any] | Grade:
    if len(text) > LONGEST_TEXT:
        return Grade(0.0, f"It has {len(text):,} characters, too many to parse.")
    try:
        parsed = PARSERS[language](text)
    except (ValueError, configparser.Error, yaml.YAMLError, RecursionError) as error:
        problem = " ".join(str(error).split())[:200] or type(error).__name__
        return Grade(0.0, f"It is not valid {language.upper()}: {problem}.")
    if not isinstance(parsed, Mapping) or not parsed:
        return Grade(0.0, f"It is no {language.upper()} mapping with at least one key.")
    return parsed


def _keys(wanted: Any) -> list[str] | None:
    """Those that must be there, if any; None for what names no keys."""
    parts = wanted.split(",") if isinstance(wanted, str) else [] if wanted is None else wanted
    if not isinstance(parts, list | tuple):
        return None
    return [str(part).strip() for part in parts if str(part).strip()]


def _path(key: str, language: str) -> list[str]:
    return (key.lower() if language == "ini" else key).split(".")


def _has(parsed: Any, path: Sequence[str]) -> bool:
    """Whether something stands at the path; keys with dots in them are several of its steps."""
    if not path:
        return parsed is not None and parsed != ""
    if not isinstance(parsed, Mapping):
        return False
    heads = [(".".join(path[:steps]), path[steps:]) for steps in range(1, len(path) + 1)]
    return any(head in parsed and _has(parsed[head], rest) for head, rest in heads)


class _StrictLoader(yaml.SafeLoader):
    """YAML without repeated keys and without aliases, which can make a small text enormous."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(names)) < len(names):
            raise yaml.YAMLError("a key is there twice")
        self.flatten_mapping(node)
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = self.DEFAULT_SCALAR_TAG  # text: `on` is no truth, nor 8080 a number
        return super().construct_mapping(node, deep)


def _parse_yaml(text: str) -> Any:
    try:
        return yaml.load(text, _StrictLoader)
    except (LookupError, AttributeError, TypeError) as error:  # PyYAML lets them out: `!!bool x`
        raise yaml.YAMLError(f"a value does not fit its tag: {error}") from error


def _parse_ini(text: str) -> Any:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.read_string(text)
    sections: dict[str, dict[str, str]] = {}
    for name, section in parser.items():
        if section:
            sections.setdefault(name.lower(), {}).update(section)
    return sections


PARSERS: dict[str, Callable[[str], Any]] = {
    "yaml": _parse_yaml,
    "json": parse_strict_json,
    "toml": tomllib.loads,
    "ini": _parse_ini,
}

CONFIG = GraderInfo(
    "config",
    grade_config,
    "1 if the completion holds valid YAML, JSON, TOML or INI with the required keys.",
    (
        GraderOption("language", "text", "yaml", "What it must parse as.", tuple(PARSERS)),
        replace(TEXT_EXTRACTION, default="fenced"),
        GraderOption("required_keys", "text", "", "Keys it must have, such as name, server.port."),
        GraderOption("partial", "bool", False, "Credit for the share of keys it has."),
    ),
)
