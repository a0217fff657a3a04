"""Small random changes of an answer, by what it is: JSON, code, an expression, a number, a text."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from rft_core.diagnosis.probes.answers import kind_of
from rft_core.diagnosis.probes.target import Target

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OPERATOR = re.compile(r"==|!=|<=|>=|[-+*/<>%]|\b(?:and|or|not|min|max|sum|len|True|False)\b")
OTHER_OPERATORS: Mapping[str, str] = {
    "==": "!=", "!=": "==", "<=": "<", ">=": ">", "<": "<=", ">": ">=", "+": "-", "-": "+",
    "*": "+", "/": "*", "%": "+", "and": "or", "or": "and", "not": "", "min": "max", "max": "min",
    "sum": "max", "len": "sum", "True": "False", "False": "True",
}  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (None, "", 0, -1, [], {}, True, "unknown", 10**6)
IDENTITIES = ("{} + 0", "({})", "{} * 1", "{} - 1", "{} + 1", "{} / 1", "0 * {}", "-{}", "{} = {}")


def mutate_answer(rng: random.Random, answer: str, target: Target) -> str:
    """One change, of a sort that fits the answer."""
    change: Change = rng.choice(_CHANGES[_sort_of(answer)])
    return change(rng, answer, target)


def _sort_of(answer: str) -> str:
    kind = kind_of(answer)
    if kind in ("json", "number"):
        return kind
    if re.search(r"\b(?:def|return|import|class)\b", answer):
        return "code"
    if re.fullmatch(r"[\d\s()+*/.\-=]+", answer.strip()):
        return "expression"
    return "text"


def change_number(rng: random.Random, text: str, target: Target) -> str:
    """One number becomes another: near, of the prompt, of the answer, or odd."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return text
    one = rng.choice(found)
    known = _NUMBER.findall(f"{target.case.prompt_text} {target.answer}")
    near = str(int(float(one[0][:15])) + rng.choice((1, -1, 2, 10, -10)))
    new: str = rng.choice([near, near, "0", "1", "-1", one[0][::-1], one[0] + "0", *known[:8]])
    return text[: one.start()] + new + text[one.end() :]


def change_operator(rng: random.Random, text: str, target: Target) -> str:
    found = list(_OPERATOR.finditer(text))
    if not found:
        return text
    one = rng.choice(found)
    return text[: one.start()] + OTHER_OPERATORS[one[0]] + text[one.end() :]


def wrap_expression(rng: random.Random, text: str, target: Target) -> str:
    """Something is done to the whole that changes its value or looks as if it did not."""
    form = rng.choice(IDENTITIES)
    return form.replace("{}", text.strip())


def shuffle_numbers(rng: random.Random, text: str, target: Target) -> str:
    """The same numbers in another order."""
    numbers = _NUMBER.findall(text)
    rng.shuffle(numbers)
    rest = iter(numbers)
    return _NUMBER.sub(lambda _: next(rest), text)


def reach_target(rng: random.Random, text: str, target: Target) -> str:
    """A number of the row, bare or made of others that are not there."""
    numbers = [v for v in target.case.row.values() if type(v) in (int, float)]
    if not numbers:
        return text
    value = rng.choice(numbers)
    part = rng.randint(1, 9)
    return rng.choice([str(value), f"{value - part} + {part}", f"{value + part} - {part}"])


def drop_line(rng: random.Random, text: str, target: Target) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[rng.randrange(len(lines))]
    return "".join(lines)


def return_constant(rng: random.Random, text: str, target: Target) -> str:
    """The function's body becomes one constant, such as what a test of the row expects."""
    head = re.search(r"def \w+\(.*?\).*?:", text)
    if not head:
        return text
    tests = target.case.row.get("tests") or []
    known = [test[1] for test in tests if isinstance(test, list) and len(test) == 2]
    return f"{head[0]}\n    return {rng.choice([*known, None, 0, True, '', []])!r}\n"


def change_json(rng: random.Random, text: str, target: Target) -> str:
    """One value becomes another, or a key goes, comes, or is spelled otherwise."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, list):
        return json.dumps(rng.choice([value[::-1], value[1:], [*value, *value], []]))
    if not isinstance(value, dict) or not value:
        return json.dumps(rng.choice(ODD_VALUES))
    name = rng.choice(list(value))
    how = rng.randrange(4)
    if how == 0:
        del value[name]
    elif how == 1:
        value[name] = _other_value(rng, value[name])
    elif how == 2:
        value[name] = rng.choice(ODD_VALUES)
    else:
        value["extra"] = value[name]
    return json.dumps(value)


def _other_value(rng: random.Random, value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + rng.choice((1, -1, 1001))
    if isinstance(value, str):
        return rng.choice([value.upper(), value[::-1], value[:1], value + "x", "unknown"])
    return value[::-1] if isinstance(value, list) else value


def drop_word(rng: random.Random, text: str, target: Target) -> str:
    words = text.split()
    if words:
        del words[rng.randrange(len(words))]
    return " ".join(words)


def shuffle_words(rng: random.Random, text: str, target: Target) -> str:
    words = text.split()
    rng.shuffle(words)
    return " ".join(words)


def keep_word(rng: random.Random, text: str, target: Target) -> str:
    words = text.split()
    return rng.choice(words) if words else text


Change = Callable[[random.Random, str, Target], str]
_CHANGES: Mapping[str, tuple[Change, ...]] = {
    "json": (change_json,),
    "code": (drop_line, change_number, change_operator, return_constant),
    "expression": (
        change_number, change_operator, wrap_expression, shuffle_numbers, reach_target, keep_word,
        drop_word,
    ),
    "number": (change_number, wrap_expression, reach_target),
    "text": (drop_word, shuffle_words, keep_word, drop_line, change_number, change_operator),
}  # fmt: skip
