"""How much one rendering of a template may write, repeat and look at, and what weighs how much.

An allowance is counted in characters, never in seconds: the same template always ends the same way.
"""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from typing import Any

_VIEWS = (KeysView, ValuesView, ItemsView)  # of a dict: written out in full, like a list
_SIZED = (str, bytes, list, tuple, dict, *_VIEWS)
_NESTED = (list, tuple, set, frozenset, *_VIEWS)
MAX_SOURCE_CHARS = 100_000
MAX_RENDERED_CHARS = 1_000_000
MAX_LOOP_ITEMS = 100_000  # of all `range` of a rendering together
MAX_WORK = 20_000_000  # characters touched; a step of a loop costs `STEP` more, a call `CALL`
STEP, CALL = 50, 1_000
_MAX_EXPONENT = 64
MAX_BITS = 20_000  # of a whole number


class TemplateLimitError(ValueError):
    """A template asked for more text or more work than any prompt needs."""


class Work:
    """What is left of one rendering's allowance. `source_chars`: of the template."""

    def __init__(self, source_chars: int) -> None:
        self._left = MAX_WORK
        self._range_left = MAX_LOOP_ITEMS
        self._step = STEP + source_chars  # each step may write the template's own text once more

    def draw(self, chars: int, steps: int = 0) -> None:
        """Raise `TemplateLimitError` where this is more than what is left."""
        self._left -= chars + steps * self._step
        if self._left < 0:
            raise TemplateLimitError("it takes more work than any prompt needs")

    def range(self, *bounds: int) -> range:
        """Python's, from one allowance for a whole rendering, so that loops cannot multiply."""
        numbers = range(*bounds)
        self._range_left -= len(numbers)
        if self._range_left < 0:
            raise TemplateLimitError(f"its loops repeat more than {MAX_LOOP_ITEMS:,} times")
        return numbers


def weigh(value: Any, most: int = MAX_RENDERED_CHARS) -> int:
    """About how many characters a value is when written. Raises `TemplateLimitError` above `most`.

    A list that holds itself many times over is not followed further than that.
    """
    total, waiting = 0, [iter((value,))]
    while waiting:
        for item in waiting[-1]:
            total += len(item) if isinstance(item, _SIZED) else 1
            if total > most:
                raise TemplateLimitError(f"a value is longer than {most:,} characters")
            if isinstance(item, Mapping):
                waiting.append(iter([*item.keys(), *item.values()]))
                break
            if isinstance(item, _NESTED):
                waiting.append(iter(item))
                break
            if isinstance(item, int) and item.bit_length() > 64:
                total += item.bit_length() // 3
        else:
            waiting.pop()
    return total


def check_size(size: int, what: str) -> None:
    """Raise where the result of `what` would be longer than a prompt may be."""
    if size > MAX_RENDERED_CHARS:
        raise TemplateLimitError(f"the result of {what} is too long")


def check_power(left: Any, right: Any) -> None:
    """Raise where `left ** right` would be a number of thousands of digits."""
    if not isinstance(right, int | float) or abs(right) > _MAX_EXPONENT:
        raise TemplateLimitError(f"an exponent is larger than {_MAX_EXPONENT}")
    if isinstance(left, int) and left.bit_length() * abs(right) > MAX_BITS:
        raise TemplateLimitError("a whole number has too many digits")


def check_product(left: Any, right: Any) -> None:
    """Raise where `left * right` would be a long text or list, or such a number."""
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(times, int):
            check_size(len(sequence) * times, "'*'")
    numbers = [value for value in (left, right) if isinstance(value, int)]
    if len(numbers) == 2 and sum(number.bit_length() for number in numbers) > MAX_BITS:
        raise TemplateLimitError("a whole number has too many digits")
