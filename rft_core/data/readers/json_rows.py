"""JSON lines and JSON arrays -> rows, one at a time, every complaint with its row and line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from rft_core.data.table import MAX_ROWS, excerpt
from rft_core.errors import BadInputError

_SPACE = re.compile(r"[ \t\n\r]*")  # what JSON takes for white space


def iterate_lines(text: str) -> Iterator[str]:
    """The lines with their ends, one at a time. A flood of blank lines is refused."""
    start = blank = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        line = text[start:end]
        blank += line == "\n"
        if blank > MAX_ROWS:
            raise BadInputError(
                "The file is mostly empty",
                f"it has more than {MAX_ROWS:,} blank lines",
                "Remove them, or save the data again",
            )
        yield line
        start = end


def iterate_json_lines(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """("Row 3 (line 4)", object) of each line that is not blank."""
    row = 0
    for line, content in enumerate(iterate_lines(text), start=1):
        if content.isspace():
            continue
        row += 1
        where = f"Row {row} (line {line})"
        try:
            value = json.loads(content, object_pairs_hook=_unique_keys)
        except json.JSONDecodeError as error:
            raise BadInputError(
                f"{where} is not valid JSON",
                f"{error.msg} at column {error.colno}",
                'Each line must hold one whole object, such as {"question": "...", "answer": 7}',
            ) from error
        except (ValueError, RecursionError) as error:
            raise BadInputError(f"{where} cannot be read", _explain(error), "Correct it") from error
        yield where, expect_object(where, value)


def iterate_json_array(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """("Row 3", object) of each item, decoded when it is asked for and not before."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique_keys)
    at, row = _skip(text, text.index("[") + 1), 0
    is_end = text.startswith("]", at)
    while not is_end:
        row += 1
        where = f"Row {row}"
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise _not_json(text, name, error.pos, error.msg) from error
        except (ValueError, RecursionError) as error:
            raise BadInputError(f"{where} cannot be read", _explain(error), "Correct it") from error
        yield where, expect_object(where, value)
        at = _skip(text, at)
        is_end = text.startswith("]", at)
        if not is_end and not text.startswith(",", at):
            raise _not_json(text, name, at, "Expecting ',' delimiter")
        at = at if is_end else _skip(text, at + 1)
    if (end := _skip(text, at + 1)) < len(text):
        raise _not_json(text, name, end, "Extra data")


def decode_whole(text: str) -> Any:
    """The one value that is all of the text; None where there is another, or none that is read.

    Why it is not read is for those to say who read it otherwise.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_unique_keys)
    try:
        value, end = decoder.raw_decode(text, _skip(text, 0))
    except (ValueError, RecursionError):
        return None
    return value if _skip(text, end) == len(text) else None


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _not_json(text: str, name: str, at: int, message: str) -> BadInputError:
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return BadInputError(
        f"'{name}', line {line}: not valid JSON",
        f"{message} at column {column}",
        "Correct it, or write one object per line (JSON lines)",
    )


def _explain(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if "integer string conversion" in str(error):
        return "it holds a whole number of more than 4,300 digits"
    return str(error)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for at, key in enumerate(names) if key in names[:at])
        raise ValueError(f"the key {excerpt(twice)} appears twice in one object")
    return found


def expect_object(where: str, value: Any) -> dict[str, Any]:
    """`value` where it is an object, as every row has to be. Raises BadInputError with `where`."""
    if not isinstance(value, dict):
        raise BadInputError(
            f"{where} is a {type(value).__name__}, not an object",
            "each row needs named columns",
            'Write it as {"question": ...}',
        )
    return value
