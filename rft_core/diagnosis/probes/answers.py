"""Answers to probe with: the gold ones a row may hold, wrong ones, near misses, pieces, hedges.

Everything here is about the bare answer; the form around it is `forms.py`'s. A wrong answer
is plainly wrong; a near miss is the nearest that a fair tolerance must still refuse.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from rft_core.rewards.answers.number_text import parse_number
from rft_core.rewards.completion_text import HASH_MARK
from rft_core.types import Row

Kind = Literal["number", "letter", "word", "json", "text"]

GOLD_COLUMNS = (
    "answer", "gold", "solution", "label", "expected", "ground_truth", "output", "completion",
    "correct", "target", "response",
)  # fmt: skip
LONGEST_SHORT = 40  # characters: a number, a letter, a name
FAIR_TOLERANCE = 0.02  # relative: beyond it, an answer to a numeric question is another answer
LARGEST_LISTED = 200
MOST_OTHERS = 3  # right answers of other rows among the wrong ones
WRONG_TEXTS = (
    "banana bread with a little butter, and a cup of tea beside it on the old kitchen table, as "
    "every Sunday when it rains and nobody wants to leave the house before the late afternoon.",
    "grey stones lie under seven tall trees, far from any road; only birds come by from time to "
    "time, sit for a while without a song, and then fly off again towards some distant harbour.",
)
GUESSES = (
    "apple", "Berlin", "seven", "yes", "a river", "Einstein", "blue", "oxygen", "never", "Monday",
    "France", "a horse",
)  # fmt: skip
OPPOSITES = {"yes": "no", "no": "yes", "true": "false", "false": "true"}


@dataclass(frozen=True)
class GoldCandidate:
    """An answer that a row may hold, the column it stands in, and the thought beside it."""

    answer: str
    column: str
    thought: str = ""


def list_golds(row: Row, prompt: str) -> list[GoldCandidate]:
    """What may be the gold answer, likeliest first. Columns that the prompt recites are not."""
    known = [name for name in GOLD_COLUMNS if name in row]
    others = [name for name in row if name not in known and as_text(row[name]) not in prompt]
    found = []
    for column in [*known, *others]:
        value = row[column]
        if isinstance(value, list) and value and isinstance(value[0], str | int | float):
            found.append(GoldCandidate(as_text(value[0]), column))  # one of those accepted
        text = as_text(value).strip()
        thought, mark, number = text.rpartition(HASH_MARK)
        if mark:
            found.append(GoldCandidate(number.strip(), column, thought.strip()))
        if text:
            found.append(GoldCandidate(text, column))
    return found


def as_text(value: Any) -> str:
    """A row's value as one would write it in an answer."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def is_same(one: str, other: str) -> bool:
    """Whether two answers say the same: as numbers, or as text without case and blanks."""
    values = parse_number(one), parse_number(other)
    if None not in values:
        return values[0] == values[1]
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()


def kind_of(answer: str) -> Kind:
    text = answer.strip()
    if parse_number(text) is not None:
        return "number"
    if len(text) == 1 and text.isalpha():
        return "letter"
    if text[:1] in ("{", "["):
        try:
            json.loads(text)
            return "json"
        except (ValueError, RecursionError):
            return "text"
    return "word" if len(text) <= LONGEST_SHORT and text.replace(" ", "").isalpha() else "text"


def wrong_answers(gold: str, others: Sequence[str]) -> list[str]:
    """Two or more answers that are far from right, first made-up ones, then other rows' golds."""
    kind = kind_of(gold)
    far = [other for other in others if not is_same(other, gold)][:MOST_OTHERS]
    if kind == "number":
        value = parse_number(gold) or Fraction(0)
        made = [write_number(3 * value + 17), write_number(-2 * value - 105)]
    elif kind == "letter":
        letters = "abcde" if gold.strip().islower() else "ABCDE"
        made = [letter for letter in letters if letter != gold.strip()][:2]
    elif kind == "json":
        made = [json.dumps(_scrambled(json.loads(gold)))]
    elif gold.strip().casefold() in OPPOSITES:
        made, far = [OPPOSITES[gold.strip().casefold()]], []
    else:
        made = [text[: max(len(gold), 6)].strip() for text in WRONG_TEXTS]
    return [*made, *far]


def near_misses(gold: str) -> list[str]:
    """Numbers beside the right one: a unit, a few per cent, the sign, the digits turned round."""
    value = parse_number(gold)
    if value is None:
        return []
    size = abs(value)
    step = max(Fraction(1), Fraction(math.ceil(size * Fraction(3, 100))))
    near = [value + step, value - step, value + Fraction(9, 10), value * Fraction(21, 20)]
    near = [v for v in near if abs(v - value) > FAIR_TOLERANCE * size]
    if value:
        near.append(-value)
    turned = parse_number(str(abs(value))[::-1]) if value.denominator == 1 else None
    if turned is not None and turned != size:
        near.append(turned)
    return list(dict.fromkeys(map(write_number, near)))


def pieces(gold: str) -> list[str]:
    """Answers that share a beginning with the right one, and are not it."""
    text = gold.strip()
    kind = kind_of(text)
    if kind in ("letter", "word"):
        parts = [text + "xyz", text[0] + "qu", text[: len(text) // 2]]
    elif kind == "number" and text.lstrip("-").isdigit():
        parts = [text[:-1], text[: len(text) // 2], text + "7", text + "00"]
    else:
        parts = [text[: len(text) // 2], text[:1]] if len(text) <= LONGEST_SHORT else []
    kept = [part for part in parts if part.strip("-") and not is_same(part, text)]
    return list(dict.fromkeys(kept))


def hedges(gold: str, wrong: Sequence[str]) -> list[str]:
    """Several answers as one, the right one first, in the middle and last; whole ranges."""
    first, second = wrong[0], wrong[-1]
    orders = ((gold, first, second), (first, gold, second), (first, second, gold))
    found = [" or ".join(order) for order in orders]
    if kind_of(gold) == "letter":
        letters = "abcde" if gold.strip().islower() else "ABCDE"
        found += [" ".join(letters), letters, " or ".join(letters), f"any of ({letters})"]
    else:
        found += [" ".join(order) for order in orders]
    value = parse_number(gold)
    if value is not None and value.denominator == 1 and 0 <= value <= LARGEST_LISTED:
        found.append(f"between {value - 5} and {value + 5}")
        found.append(" ".join(map(str, range(LARGEST_LISTED + 1))))
    return found


def long_lists(gold: str) -> list[str]:
    """A dozen guesses with commas, the right one first, in the middle and last."""
    value = parse_number(gold)
    fillers = list(GUESSES)
    if value is not None:
        fillers = [write_number(value + step) for step in (*range(-6, 0), *range(1, 7))]
    elif kind_of(gold) == "letter":
        fillers = [letter for letter in "abcdefghijklm" if letter != gold.strip().casefold()]
    places = (0, len(fillers) // 2, len(fillers))
    return [", ".join([*fillers[:place], gold, *fillers[place:]]) for place in places]


def write_number(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.6g}"


def blank_gold(row: Row, column: str) -> Row:
    """The row without its gold answer."""
    return {**row, column: ""}


def column_texts(row: Row) -> Iterator[tuple[str, str]]:
    """Every column as bare text."""
    return ((name, as_text(value)) for name, value in row.items())


def _scrambled(value: Any) -> Any:
    """The same structure with other values."""
    if isinstance(value, Mapping):
        return {name: _scrambled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_scrambled(inner) for inner in value]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1001
    return "unknown"
