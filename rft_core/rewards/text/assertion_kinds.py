"""The kinds of assertion about a completion that a program can check, as Promptfoo means them.

An assertion is a mapping with a `type`, mostly a `value`, and sometimes a `threshold`. Here stands
what each type says of a text, from 0 to 1; `not-` before a type turns it round. Words of `rouge-n`
are ours (letters and digits, in lower case), so that scores may differ a little from Promptfoo's.
Source: https://www.promptfoo.dev/docs/configuration/expected-outputs/deterministic/
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from rapidfuzz.distance import Levenshtein
from referencing import Registry

from rft_core.rewards.completion_text import parse_strict_json
from rft_core.rewards.text.javascript_pattern import to_python
from rft_core.rewards.text.overlap import split_words

NOT = "not-"
LONGEST_PATTERN = 2_000
MOST_EDITS = 5  # that `levenshtein` allows where it has no threshold
LARGEST_EXACT = 1e21  # from here on JavaScript writes numbers with an exponent

Assertion = Mapping[str, Any]


@dataclass(frozen=True)
class AssertionKind:
    """`check(text, assertion)` is from 0 to 1; `find_problem(value)` says why a value is none."""

    check: Callable[[str, Assertion], float]
    find_problem: Callable[[Any], str]


def as_text(value: Any) -> str:
    """A value as JavaScript's `String()` writes it: true, 1, 0.5."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_EXACT:
        return str(int(value))
    return "" if value is None else str(value)


def list_texts(value: Any) -> list[str]:
    """The texts that are looked for: a list, or one text with commas between them."""
    if isinstance(value, str):
        value = [part.strip() for part in next(csv.reader([value], skipinitialspace=True), [])]
    return [as_text(one) for one in value]


def _equals(text: str, assertion: Assertion) -> float:
    value = assertion["value"]
    if isinstance(value, list | dict):
        try:
            return float(_is_same(value, parse_strict_json(text)))
        except (ValueError, RecursionError):
            return 0.0
    return float(text == as_text(value))


def _is_same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, and 1.0 is 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _contains(
    among: Callable[[Iterator[bool]], bool], ignore_case: bool = False
) -> Callable[[str, Assertion], float]:
    def check(text: str, assertion: Assertion) -> float:
        value = assertion["value"]
        wanted = list_texts(value) if among is not _one else [as_text(value)]
        if ignore_case:
            text, wanted = text.lower(), [one.lower() for one in wanted]
        return float(among(one in text for one in wanted))

    return check


def _one(found: Iterator[bool]) -> bool:
    return next(found)


def _starts_with(text: str, assertion: Assertion) -> float:
    return float(text.startswith(as_text(assertion["value"])))


def _regex(text: str, assertion: Assertion) -> float:
    return float(re.search(to_python(assertion["value"]), text) is not None)


def _is_json(text: str, assertion: Assertion) -> float:
    try:
        return float(_fits(parse_strict_json(text), assertion.get("value")))
    except (ValueError, RecursionError):
        return 0.0


def _contains_json(text: str, assertion: Assertion) -> float:
    return float(any(_fits(found, assertion.get("value")) for found in _list_objects(text)))


def _list_objects(text: str) -> Iterator[Any]:
    """The JSON objects in a text, outermost, from the left."""
    decoder, position = json.JSONDecoder(), text.find("{")
    while position >= 0:
        try:
            found, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            yield found
        position = text.find("{", end)


def _fits(value: Any, schema: Any) -> bool:
    if schema in (None, ""):
        return True
    validator = validator_for(schema, default=Draft7Validator)
    return bool(validator(schema, registry=Registry()).is_valid(value))


def _levenshtein(text: str, assertion: Assertion) -> float:
    most = int(_threshold_of(assertion, MOST_EDITS))
    wanted = as_text(assertion["value"])
    return float(Levenshtein.distance(text, wanted, score_cutoff=most) <= most)


def _rouge_n(text: str, assertion: Assertion) -> float:
    """The share of the wanted words that the text has: recall, of single words."""
    wanted = Counter(split_words(as_text(assertion["value"])))
    found = (Counter(split_words(text)) & wanted).total()
    return found / wanted.total() if wanted else 0.0


def _word_count(text: str, assertion: Assertion) -> float:
    value, count = assertion["value"], len(text.split())
    if not isinstance(value, Mapping):
        return float(count == float(value))
    least, most = value.get("min"), value.get("max")
    return float((least is None or count >= least) and (most is None or count <= most))


def _threshold_of(assertion: Assertion, default: float) -> float:
    threshold = assertion.get("threshold")
    return default if threshold is None else float(threshold)


def _find_no_value(value: Any) -> str:
    return "" if value is not None else "has no value"


def _find_no_text(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_text = is_number or (isinstance(value, str) and value)
    return "" if is_text else "needs a text for its value"


def _find_no_texts(value: Any) -> str:
    if isinstance(value, str) and value:
        return ""
    is_list = isinstance(value, list) and value and not any(map(_find_no_text, value))
    return "" if is_list else "needs a list of texts for its value"


def _find_no_pattern(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATTERN:
        return f"needs a regular expression of at most {LONGEST_PATTERN:,} characters"
    try:
        re.compile(to_python(value))
    except (ValueError, re.error, OverflowError, RecursionError) as error:
        return f"has a regular expression that cannot be used: {error}"
    return ""


def _find_no_schema(value: Any) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, dict | bool):
        return "needs a JSON Schema for its value"
    schema: Any = value
    try:
        validator_for(schema, default=Draft7Validator).check_schema(schema)
    except (SchemaError, RecursionError) as error:
        return f"has a schema that cannot be used: {str(error).splitlines()[0]:.200}"
    return ""


def _find_no_count(value: Any) -> str:
    bounds = [value.get("min"), value.get("max")] if isinstance(value, Mapping) else [value]
    given = [bound for bound in bounds if bound is not None]
    try:
        numbers = [float(bound) for bound in given if not isinstance(bound, bool)]
    except (TypeError, ValueError):
        numbers = []
    is_count = given and len(numbers) == len(given)
    return "" if is_count else "needs a number, or min and max, for its value"


ASSERTION_KINDS: dict[str, AssertionKind] = {
    "equals": AssertionKind(_equals, _find_no_value),
    "contains": AssertionKind(_contains(_one), _find_no_text),
    "icontains": AssertionKind(_contains(_one, ignore_case=True), _find_no_text),
    "contains-any": AssertionKind(_contains(any), _find_no_texts),
    "contains-all": AssertionKind(_contains(all), _find_no_texts),
    "icontains-any": AssertionKind(_contains(any, ignore_case=True), _find_no_texts),
    "icontains-all": AssertionKind(_contains(all, ignore_case=True), _find_no_texts),
    "starts-with": AssertionKind(_starts_with, _find_no_text),
    "regex": AssertionKind(_regex, _find_no_pattern),
    "is-json": AssertionKind(_is_json, _find_no_schema),
    "contains-json": AssertionKind(_contains_json, _find_no_schema),
    "levenshtein": AssertionKind(_levenshtein, _find_no_text),
    "rouge-n": AssertionKind(_rouge_n, _find_no_text),
    "word-count": AssertionKind(_word_count, _find_no_count),
}
