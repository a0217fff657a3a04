"""Sample data: what its script writes, and solvable."""

import itertools
from fractions import Fraction

import pytest

from rft_core.data.sample_data import load_sample, make_countdown_rows
from rft_core.errors import NotFoundError


def reachable(nums: list[int]) -> set[Fraction]:
    """Every value of an expression that uses all the numbers once."""
    if len(nums) == 1:
        return {Fraction(nums[0])}
    values: set[Fraction] = set()
    for size in range(1, len(nums)):
        for left_places in itertools.combinations(range(len(nums)), size):
            left = [nums[i] for i in left_places]
            right = [nums[i] for i in range(len(nums)) if i not in left_places]
            for a, b in itertools.product(reachable(left), reachable(right)):
                values |= {a + b, a - b, a * b} | ({a / b} if b else set())
    return values


def test_the_shipped_sample_is_what_the_script_writes():
    assert list(load_sample("countdown").rows) == make_countdown_rows(60, 20250)


def test_every_countdown_row_is_solvable_and_in_range():
    for row in load_sample("countdown").rows:
        assert len(row["nums"]) == 3
        assert all(1 <= number <= 99 for number in row["nums"])
        assert 10 <= row["target"] <= 100
        assert row["target"] in reachable(row["nums"])
        assert sorted(row["nums"]) != [9, 15, 74]


def test_an_unknown_sample_is_named():
    with pytest.raises(NotFoundError, match="'nosuch'"):
        load_sample("nosuch")
