"""Shrinking a text to a least one that still has a property: delta debugging (ddmin).

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 2002. Lines are
removed first, then tokens, then characters, over and over until nothing more can go: then removing
any one line, token or character loses the property. Shorter texts that are not made by removing
may still have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

Units = tuple[str, ...]
Holds = Callable[[Sequence[str]], Sequence[bool]]  # of each text, whether it has the property

_TOKENS = re.compile(r"</?[A-Za-z]\w*>|\\?[^\W\d_]+|\d+|\s+|.", re.DOTALL)


class OutOfBudgetError(Exception):
    """Raised by a `holds` that may try no more."""


def split_lines(text: str) -> Units:
    return tuple(text.splitlines(keepends=True))


def split_tokens(text: str) -> Units:
    """Tags, words, numbers, spaces, and every other sign by itself."""
    return tuple(_TOKENS.findall(text))


LEVELS: tuple[Callable[[str], Units], ...] = (split_lines, split_tokens, tuple)


def shrink(text: str, holds: Holds) -> tuple[str, bool]:
    """A text that has the property as `text` does, and whether it is a least one.

    It is not where `holds` raised `OutOfBudgetError` on the way: then it is the least so far.
    """
    best = [text]
    try:
        if text and holds([""])[0]:
            return "", True
        before = None
        while before != best[0]:
            before = best[0]
            for split in LEVELS:
                _reduce(split(best[0]), holds, best)
    except OutOfBudgetError:
        return best[0], False
    return best[0], True


def _reduce(units: Units, holds: Holds, best: list[str]) -> None:
    """ddmin over these units; `best[0]` becomes every smaller text that has the property."""
    parts = 2
    while len(units) > 1:
        parts = min(parts, len(units))
        chunks = _cut(units, parts)
        without = [_join(chunks[:i] + chunks[i + 1 :]) for i in range(parts)]
        holding = [i for i, found in enumerate(_ask(holds, without)) if found]
        if holding:
            units = _drop(chunks, holding, holds)
            best[0] = "".join(units)
            parts = max(parts - len(holding), 2)
        elif parts == len(units):
            return
        else:
            parts *= 2


def _drop(chunks: Sequence[Units], holding: Sequence[int], holds: Holds) -> Units:
    """Without all chunks that can go, if they can go together; else without the first of them."""
    one = _join([*chunks[: holding[0]], *chunks[holding[0] + 1 :]])
    if len(holding) == 1:
        return one
    gone = set(holding)
    kept = _join([chunk for index, chunk in enumerate(chunks) if index not in gone])
    return kept if kept and _ask(holds, [kept])[0] else one


def _ask(holds: Holds, many: Sequence[Units]) -> Sequence[bool]:
    return holds(["".join(units) for units in many])


def _cut(units: Units, parts: int) -> list[Units]:
    """As equal as can be."""
    ends = [len(units) * number // parts for number in range(parts + 1)]
    return [units[start:end] for start, end in pairwise(ends)]


def _join(chunks: Sequence[Units]) -> Units:
    return tuple(unit for chunk in chunks for unit in chunk)
