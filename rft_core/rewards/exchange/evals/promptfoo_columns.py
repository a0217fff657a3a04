"""A table of Promptfoo's tests: a column for each variable, and `__expected` for assertions.

What is expected is written in short there: `contains: Paris`, `levenshtein(2): Paris`, or the text
itself for `equals`. Source: https://www.promptfoo.dev/docs/configuration/test-cases/#csv-format
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

EXPECTED = re.compile(r"__expected\d*")
DESCRIBING = ("__description", "__metadata")
SHORT = {"fn": "javascript", "eval": "javascript", "grade": "llm-rubric"}
_COMPACT = re.compile(r"((?:not-)?[a-z]+(?:-[a-z]+)*)(?:\((\d+(?:\.\d+)?)\))?:\s*(.*)", re.DOTALL)
_ALONE = ("is-json", "contains-json")


def is_flat(record: Any) -> bool:
    """Whether a record is a row of a table, and no test with `vars` and `assert`."""
    return isinstance(record, Mapping) and not {"vars", "assert"} & set(record)


def read_flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """The test that a row stands for. Columns of Promptfoo's own stay, to be named if unknown."""
    variables = {name: value for name, value in record.items() if not str(name).startswith("__")}
    expected = [v for name, v in record.items() if EXPECTED.fullmatch(str(name)) and v]
    others = {
        name: value
        for name, value in record.items()
        if str(name).startswith("__")
        and not EXPECTED.fullmatch(str(name))
        and name not in DESCRIBING
        and value not in (None, "")
    }
    return {"vars": variables, "assert": [read_expected(str(one)) for one in expected], **others}


def read_expected(text: str) -> dict[str, Any]:
    """The assertion that a short text stands for."""
    if text.strip().removeprefix("not-") in _ALONE:
        return {"type": text.strip()}
    found = _COMPACT.fullmatch(text.strip())
    if not found or ("-" not in found[1] and found[1] not in _KNOWN_WORDS):
        return {"type": "equals", "value": text}
    kind, threshold, value = found.groups()
    given = {} if threshold is None else {"threshold": float(threshold)}
    return {"type": SHORT.get(kind, kind), "value": value, **given}


_KNOWN_WORDS = ("contains", "icontains", "equals", "regex", "javascript", "python", "similar",
                "levenshtein", "webhook", "cost", "latency", "factuality", "moderation",
                *SHORT)  # fmt: skip
