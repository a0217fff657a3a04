"""The text of an eval's file as plain values: JSON, JSON lines, or YAML as JavaScript reads it.

Promptfoo reads YAML 1.2, where `yes` and `12:30` are texts: PyYAML alone would make a truth value
and a number of them. A key that is there twice is refused, since one of the two would be lost.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import yaml

from rft_core.data.table import to_plain_value
from rft_core.errors import BadInputError
from rft_core.rewards.completion_text import parse_strict_json

LONGEST_FILE = 16_000_000  # characters
LONGEST_YAML = 2_000_000  # PyYAML reads about 100,000 in a second
MOST_PARTS = 1_000_000  # of a document whose aliases are written out


class Yaml12Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, and merges, which Promptfoo's reader knows too."""

    _is_in_plain = False
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def scan_plain(self) -> Any:
        """A text without quotation marks; between braces, too, it may hold a question mark."""
        self._is_in_plain = True
        try:
            return super().scan_plain()
        finally:
            self._is_in_plain = False

    def peek(self, index: int = 0) -> str:
        """The sign at that place. PyYAML would end a text in braces at a question mark."""
        sign = super().peek(index)
        return "_" if sign == "?" and self._is_in_plain else sign


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$",
     list("-+.0123456789")),
    ("merge", r"^<<$", ["<"]),
):  # fmt: skip
    Yaml12Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def read_document(text: str, name: str) -> Any:
    """The one value of a JSON or YAML text. Raises `BadInputError` with the line."""
    if len(text) > LONGEST_FILE:
        raise _unreadable(name, f"it has {len(text):,} characters, too many for an eval")
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        try:
            return parse_strict_json(text.lstrip("\ufeff"))
        except (ValueError, RecursionError) as error:
            if name.lower().endswith((".json", ".jsonl")):
                raise _unreadable(name, f"it is not JSON: {error}") from error
    return _read_yaml(text, name)


def read_records(text: str, name: str) -> list[Any]:
    """A list of JSON or YAML, a value on each line of JSON lines, or the rows of CSV."""
    if name.lower().endswith(".csv"):
        return _read_csv(text, name)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith("{") for _, line in lines):
        return [_read_line(line, number, name) for number, line in lines]
    value = read_document(text, name)
    return value if isinstance(value, list) else [value]


def _read_csv(text: str, name: str) -> list[Any]:
    try:
        rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff")), strict=True))
    except csv.Error as error:
        raise _unreadable(name, f"it is no CSV: {error}") from error
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise _unreadable(name, f"line {number} has more or fewer cells than the header")
    return list(rows)


def _read_line(line: str, number: int, name: str) -> Any:
    try:
        return parse_strict_json(line)
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, f"line {number} is not JSON: {error}") from error


def _read_yaml(text: str, name: str) -> Any:
    if len(text) > LONGEST_YAML:
        raise _unreadable(name, f"it has {len(text):,} characters, too many for YAML")
    try:
        loader = Yaml12Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise _unreadable(name, "it is empty")
        _refuse_twins(node, set())
        value = loader.construct_document(node)
        if _count(value) > MOST_PARTS:
            raise _unreadable(name, "its aliases stand for too many values")
        return to_plain_value(value)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise _unreadable(name, f"{problem}{where}") from error
    except (ValueError, RecursionError, TypeError) as error:
        raise _unreadable(name, str(error) or type(error).__name__) from error


def _refuse_twins(node: yaml.Node, seen: set[int]) -> None:
    """Raise `YAMLError` where a mapping has a key twice."""
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    keys: set[str] = set()
    for part in node.value:
        if isinstance(node, yaml.MappingNode):
            key, part = part  # noqa: PLW2901 -- of a mapping the parts are pairs
            if isinstance(key, yaml.ScalarNode) and key.value in keys and key.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' is there twice", key.start_mark
                )
            keys.add(str(key.value))
        _refuse_twins(part, seen)


def _count(value: Any, left: int = MOST_PARTS) -> int:
    """How many values a document holds, aliases written out; stops beyond `left`."""
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, list):
        inner = value
    total = 1
    for one in inner:
        total += _count(one, left - total)
        if total > left:
            break
    return total


def as_json_text(value: Any) -> str:
    """As JavaScript's `JSON.stringify` writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _unreadable(name: str, why: str) -> BadInputError:
    return BadInputError(
        f"'{name}' cannot be read as an eval", why, "Bring an eval as JSON, or Promptfoo's YAML"
    )
