"""What a program may return for what a test expects."""

import math
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from rft_core.rewards.code.value_comparison import find_difference, show
from rft_core.sandbox.inside.values import Opaque

NAN, INF = math.nan, math.inf


def shown(value: Any) -> str:
    return show(value)[:40]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (2, 2), (2, 2.0), (2.0, 2), (0.3, 0.1 + 0.2), (1e9, 1e9 + 100), (10**400, 10**400),
        (NAN, NAN), (INF, INF), (-0.0, 0.0), (True, True), (None, None), ("a", "a"), ("", ""),
        ([1, [2]], [1, [2]]), ([1, 2], (1, 2)), ((1, 2), [1, 2]), ([], ()), ([[1, 2]], [(1, 2)]),
        ({"a": [1]}, {"a": (1,)}), ({}, {}), ({"1": "x"}, {1: "x"}), ({"true": 1}, {True: 1}),
        ({"null": 1, "1.5": 2}, {None: 1, 1.5: 2}), ({1: 2}, {1: 2}), ({(1, 2): 3}, {(1, 2): 3}),
        ({1, 2}, {2, 1}), ({1}, frozenset({1})), (set(), set()), (b"a", b"a"), (1j, 1j),
        (Decimal("1.50"), Decimal("1.5")), (Decimal("NaN"), Decimal("NaN")),
        (Fraction(1, 2), Fraction(1, 2)), (np.array([1.0, NAN]), np.array([1.0 + 1e-9, NAN])),
        (np.array([1, 2]), np.array([1, 2])), (10**5000, 10**5000),
    ],
    ids=shown,
)  # fmt: skip
def test_what_is_equal(expected: Any, actual: Any) -> None:
    assert find_difference(expected, actual) is None


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, True), (True, 1), (0, False), (False, None), (0, None), ("", None), (1, "1"), ("1", 1),
        (2, 2.0000001), (3, 2.9999999999999996), (10**17 + 1, 1e17), (0.5, 0.51), (0.0, 1e-5),
        (0.5, NAN), (NAN, 0.5), (NAN, None), (INF, -INF), (INF, 1e308), (0.5, INF), (1.0, 10**400),
        (0.5, Fraction(1, 2)), (0.5, Decimal("0.5")), (2, 2 + 0j), (1.0, "1.0"), ("a", b"a"),
        ([1, 2], [2, 1]), ([1], [1, 1]), ([], [[]]), ([1, 2], {1, 2}), ([1], {1: 1}), ("ab", ["a"]),
        ({1}, [1]), ({1, 2}, {1}), ({1}, {True}), ({1}, {1.0}), ({"a": 1}, {"a": 2}), ([], {}),
        ({"a": 1}, {}), ({}, {"a": 1}), ({1: 1}, {True: 1}), ({1: 1}, {"1": 1}),
        ({"1": 1, "a": 2}, {1: 1, "1": 1, "a": 2}), (None, 0), (None, Opaque("x")),
        (1, Opaque("x")),
        ([1], [Opaque("x")]), ({1}, {Opaque("x")}), ({"a": 1}, {Opaque("x"): 1}),
        (Decimal("1"), 1), (Decimal("1"), Decimal("NaN")), (Decimal("1"), Decimal("sNaN")),
        (1, Decimal("1E+999999999")), (1.5, Decimal("1E+999999999")), (1, np.array(1)),
        (np.array([1.0]), np.array([1.0], dtype="float32")), (np.array([1.0]), np.array([[1.0]])),
        (np.array([1.0]), [1.0]), (np.array([True]), np.array([False])), (Opaque("x"), Opaque("x")),
    ],
    ids=shown,
)  # fmt: skip
def test_what_is_not(expected: Any, actual: Any) -> None:
    assert find_difference(expected, actual)
    assert find_difference([[expected]], [[actual]])
    assert find_difference({"k": expected}, {"k": actual})


def test_the_tolerance_is_relative_above_one_and_absolute_below() -> None:
    assert find_difference(0.001, 0.0011, tolerance=0.001) is None
    assert find_difference(1000.0, 1000.9, tolerance=0.001) is None
    assert find_difference(1000.0, 1002.0, tolerance=0.001)
    assert find_difference(0.3, 0.1 + 0.2, tolerance=0.0)


def test_the_difference_names_its_place() -> None:
    assert find_difference({"a": [1, 2]}, {"a": [1, 5]}) == "at ['a'][1] it is 5, not 2"
    assert (
        find_difference(1, Opaque("an object of type ANY")) == "it is an object of type ANY, not 1"
    )
    assert find_difference([1], [10**5000]) == "at [0] it is a number of very many digits, not 1"


def test_enormous_answers_are_compared_at_once() -> None:
    start = time.process_time()
    assert find_difference(1, Decimal("1E+999999999"))
    assert find_difference([1.5], [Decimal("1E-999999999")])
    assert find_difference(list(range(10)), list(range(1_000_000)))
    assert time.process_time() - start < 1.0  # written out, such a number would take minutes
