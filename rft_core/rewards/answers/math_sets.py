r"""Inequalities as the sets of numbers that they allow: x<3 or x>5, -2 <= x <= 7. The jailed side.

Only those that state their solution, a variable alone on one side and a number on the other, joined
by "and", "or" or in a chain: nothing is solved here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from math_verify import verify
from sympy import And, Eq, FiniteSet, Intersection, Rel, Set, Symbol, Union

from rft_core.rewards.answers.math_reading import is_number, read

_OR = re.compile(r"\\text\s*\{\s*or\s*\}|\bor\b")
_AND = re.compile(r"\\text\s*\{\s*and\s*\}|\band\b")
_INEQUALITY = re.compile(r"[<>]|\\(?:le|ge|leq|geq|leqslant|geqslant|lt|gt)(?![A-Za-z])")
MOST_PARTS = 8


@dataclass(frozen=True)
class Solutions:
    """Of which variable they are, and which numbers."""

    variable: str
    numbers: Set


def read_solutions(text: str) -> Solutions | None:
    """None for what is no inequality, or one that would have to be solved first."""
    if not _INEQUALITY.search(text):
        return None
    parts = [_AND.split(part) for part in _OR.split(text)]
    pieces = [piece for part in parts for piece in part]
    if len(pieces) > MOST_PARTS:
        return None
    read_ones = [[_read_piece(piece.strip(" ,;")) for piece in part] for part in parts]
    found = [one for part in read_ones for one in part]
    if any(one is None for one in found) or len({one.variable for one in found if one}) != 1:
        return None
    numbers = [Intersection(*(one.numbers for one in part if one)) for part in read_ones]
    return Solutions(next(one.variable for one in found if one), Union(*numbers))


def are_joined_otherwise(gold: str, answer: str) -> bool:
    """Whether one joins inequalities by "and", and the other by "or"."""
    if not (_INEQUALITY.search(gold) and _INEQUALITY.search(answer)):
        return False
    one, other = ((bool(_OR.search(text)), bool(_AND.search(text))) for text in (gold, answer))
    return any(one) and any(other) and one != other


def are_same_solutions(answer: Solutions, gold: Solutions | Set) -> bool:
    if isinstance(gold, Solutions):
        if answer.variable != gold.variable:
            return False
        gold = gold.numbers
    return bool(verify(gold, answer.numbers, timeout_seconds=None))


def _read_piece(text: str) -> Solutions | None:
    value = read(text) if text else None
    parts: tuple[Any, ...] = value._unsorted_args if isinstance(value, And) else (value,)
    sets, names = [], set()
    for part in parts:
        if not isinstance(part, Rel):
            return None
        sides = (part.lhs, part.rhs)
        symbols = [side for side in sides if isinstance(side, Symbol)]
        if len(symbols) != 1 or not any(is_number(side) for side in sides):
            return None
        names.add(symbols[0].name)
        number = part.rhs if symbols[0] == part.lhs else part.lhs
        sets.append(FiniteSet(number) if isinstance(part, Eq) else part.as_set())
    return Solutions(names.pop(), Intersection(*sets)) if len(names) == 1 else None
