"""Is what a program returned what a test expects? Exact types, in the process that knows.

The rules, where JSON and Python do not say the same:
- A bool equals only a bool. Numbers are compared by value, so the int 2 equals the float 2.0; where
  a float is expected, within `tolerance` (relative above 1, absolute below); else exactly.
- nan equals nan, and an infinity the same infinity, only where that is what is expected.
- A tuple equals a list of the same items, as JSON has no tuples. A set equals a set or frozenset of
  the same items, never a list.
- A dict equals a dict; where all expected keys are texts, a key is also its JSON spelling (1: "1").
- Text, bytes, None, complex, Decimal and Fraction equal only their own type; arrays too, and then
  by dtype, shape and values.
- What could not be sent (`Opaque`: generators, own classes, lies) equals nothing.

An assert line is Python, which has other rules: see `find_broken`.

Both sides are plain values as `values.decode` makes them; nothing here runs anyone's code.
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np

from rft_core.rewards.code.assert_lines import AssertLine, Relation
from rft_core.sandbox.inside.values import Opaque

TOLERANCE = 1e-6


def find_difference(
    expected: Any, actual: Any, tolerance: float = TOLERANCE, place: str = ""
) -> str | None:
    """None where they are equal, else the first difference in words."""
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        if len(expected) == len(actual):
            pairs = zip(expected, actual, strict=True)
            return _first_difference(enumerate(pairs), tolerance, place)
    elif isinstance(expected, dict) and isinstance(actual, dict):
        actual = _spell_keys_like(expected, actual)
        if _have_same_items(expected.keys(), actual.keys()):
            by_key = ((key, (value, actual[key])) for key, value in expected.items())
            return _first_difference(by_key, tolerance, place)
    elif _is_same(expected, actual, tolerance):
        return None
    where = f"at {place} it is" if place else "it is"
    return f"{where} {show(actual)}, not {show(expected)}"


def find_broken(
    line: AssertLine, actual: Any, truth: Any = None, tolerance: float = TOLERANCE
) -> str | None:
    """None where the assert holds as Python has it, else in words why not.

    Floats may be off by the tolerance. `truth` says whether a value that could not be sent is true.
    """
    if line.relation is Relation.HAS_TRUTH:
        is_true = truth if isinstance(actual, Opaque) else _find_truth(actual)
        is_kept = type(is_true) is bool and is_true == line.expected
        wanted = "anything true" if line.expected else "anything false"
        return None if is_kept else f"it is {show(actual)}, not {wanted}"
    is_kept = _is_python_equal(line.expected, actual, tolerance)
    if line.relation is Relation.IS:
        is_kept = is_kept and type(actual) is type(line.expected)
    return None if is_kept else f"it is {show(actual)}, not {show(line.expected)}"


def _find_truth(value: Any) -> bool | None:
    return None if isinstance(value, np.ndarray) and value.size != 1 else bool(value)


def _is_python_equal(expected: Any, actual: Any, tolerance: float) -> bool:
    """`expected == actual`, but for floats in lists, tuples and dicts that are off by little."""
    if isinstance(actual, np.ndarray):
        return False  # an assert of an array is an error, or needs more than `==`
    if isinstance(expected, list | tuple) and type(expected) is type(actual):
        pairs = zip(expected, actual, strict=False)
        same_length = len(expected) == len(actual)
        return same_length and all(_is_python_equal(e, a, tolerance) for e, a in pairs)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(
            _is_python_equal(value, actual[key], tolerance) for key, value in expected.items()
        )
    try:
        if expected == actual:
            return True
    except (ArithmeticError, ValueError, RecursionError):  # a signalling nan
        return False
    is_close = type(expected) is float and type(actual) in (int, float)
    return is_close and math.isfinite(expected) and _is_same_number(expected, actual, tolerance)


def show(value: Any) -> str:
    """A short form for a reason."""
    if isinstance(value, Opaque):
        return value.what
    try:
        return reprlib.repr(value)
    except ValueError:  # Python writes out no int of more than 4,300 digits
        return "a number of very many digits"


def _first_difference(
    pairs: Iterable[tuple[Any, tuple[Any, Any]]], tolerance: float, place: str
) -> str | None:
    for key, (expected, actual) in pairs:
        if found := find_difference(expected, actual, tolerance, f"{place}[{show(key)}]"):
            return found
    return None


def _spell_keys_like(expected: dict[Any, Any], actual: dict[Any, Any]) -> dict[Any, Any]:
    """Keys as JSON spells them, if that is how they are expected and none are lost by it."""
    if not all(type(key) is str for key in expected):
        return actual
    spelled = {_spell(key): value for key, value in actual.items()}
    return spelled if len(spelled) == len(actual) else actual


def _spell(key: Any) -> Any:
    is_spelled = type(key) in (bool, int, float, type(None))
    try:
        return json.dumps(key) if is_spelled else key
    except ValueError:  # very many digits again
        return key


def _is_same(expected: Any, actual: Any, tolerance: float) -> bool:
    """For everything but lists, tuples and dicts."""
    if type(expected) in (int, float):
        return type(actual) in (int, float) and _is_same_number(expected, actual, tolerance)
    if isinstance(expected, set | frozenset):
        return isinstance(actual, set | frozenset) and _have_same_items(expected, actual)
    if type(expected) is not type(actual) or isinstance(expected, Opaque):
        return False
    if isinstance(expected, np.ndarray):
        return _is_same_array(expected, actual, tolerance)
    if isinstance(expected, Decimal) and (expected.is_nan() or actual.is_nan()):
        return str(actual) == str(expected)  # comparing a signalling nan raises
    return bool(actual == expected)


def _is_same_number(expected: int | float, actual: int | float, tolerance: float) -> bool:
    if type(expected) is int or actual == expected:
        return actual == expected
    if not math.isfinite(expected):
        return type(actual) is float and math.isnan(expected) and math.isnan(actual)
    try:
        return abs(actual - expected) <= tolerance * max(1.0, abs(expected))
    except OverflowError:  # an int that no float can hold
        return False


def _have_same_items(expected: Any, actual: Any) -> bool:
    """Whether two sets, or the keys of two dicts, are the same, types counted: True is not 1."""
    kinds = {item: type(item) for item in actual}
    return len(kinds) == len(expected) and all(
        item in kinds and kinds[item] is type(item) for item in expected
    )


def _is_same_array(
    expected: np.ndarray[Any, Any], actual: np.ndarray[Any, Any], tolerance: float
) -> bool:
    if expected.dtype != actual.dtype or expected.shape != actual.shape:
        return False
    if expected.dtype.kind not in "fc":
        return bool(np.array_equal(expected, actual))
    return bool(np.allclose(actual, expected, rtol=tolerance, atol=tolerance, equal_nan=True))
