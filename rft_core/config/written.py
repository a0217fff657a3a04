"""Lists and mappings of settings as one line of text, read and written alike on forms, in YAML and
behind `--set`.

`q_proj, v_proj` or a JSON list; `enable_thinking=false, budget=3` or a JSON object. What is written
is the short form where that reads back as the same, else JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LONGEST_OPTIONS = 10_000  # characters, as JSON


def read_names(value: Any) -> Any:
    """A list of texts; what is no text stays as it is. A text with commas or at its ends blanks
    is written as JSON: `["\\n\\n", "a, b"]`."""
    if not isinstance(value, str):
        return value
    if value.strip().startswith("["):
        try:
            read = json.loads(value)
        except ValueError:
            pass  # brackets without quotes
        else:
            return tuple(read)
    parts = (part.strip(" '\"") for part in value.strip().strip("[]").split(","))
    return tuple(part for part in parts if part)


def read_options(value: Any) -> Any:
    """A mapping from names to JSON values. Raises ValueError with how to write it."""
    if value is None:
        return {}
    if isinstance(value, str):
        value = _read_object(value) if value.strip().startswith("{") else _read_pairs(value)
    if isinstance(value, Mapping):
        _check_options(value)
    return value


def read_word(text: Any) -> Any:
    """One value behind `=`: JSON where it is some (false, 3, "3"), else the text itself."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)


def write_setting(value: Any) -> str:
    """One line that the setting's field reads back."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{name}={_write_word(one)}" for name, one in value.items())
        return pairs if _reads_back(pairs, value) else _write_json(dict(value))
    if isinstance(value, list | tuple):
        joined = ", ".join(value)
        return joined if read_names(joined) == tuple(value) else _write_json(list(value))
    return str(value)


def write_packed(value: Any) -> str:
    """As `write_setting`, without any blank or semicolon: stages are cut at these."""
    text = write_setting(value)
    if not isinstance(value, Mapping | list | tuple):
        return text
    if any(mark in text for mark in " ;\n\t\r"):
        text = _write_json(dict(value) if isinstance(value, Mapping) else list(value))
    return text.replace(" ", "\\u0020").replace(";", "\\u003b")


def _read_object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"this is no JSON object ({error}): {_HOW}") from error


def _read_pairs(text: str) -> dict[str, Any]:
    pairs = [part.strip() for part in text.split(",") if part.strip()]
    if any("=" not in pair for pair in pairs):
        raise ValueError(_HOW)
    read: dict[str, Any] = {}
    for name, _, word in (pair.partition("=") for pair in pairs):
        if name.strip() in read:
            raise ValueError(f"'{name.strip():.100}' is given twice")
        read[name.strip()] = read_word(word.strip())
    return read


def _check_options(options: Mapping[Any, Any]) -> None:
    try:
        size = len(_write_json(dict(options)))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"its values must be JSON ({error})") from error
    if size > LONGEST_OPTIONS:
        raise ValueError(f"it has {size} characters; {LONGEST_OPTIONS} are allowed")
    for name in options:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"{name!r:.100} is no name: {_HOW}")


def _write_word(value: Any) -> str:
    text = _write_json(value)
    if isinstance(value, str) and read_word(value) == value:
        return value
    return text


def _reads_back(pairs: str, value: Mapping[str, Any]) -> bool:
    try:
        read = read_options(pairs)
    except ValueError:
        return False
    return bool(_write_json(read) == _write_json(dict(value)))


def _write_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


_HOW = "write name=value, name=value, or a JSON object"
