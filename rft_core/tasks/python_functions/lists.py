"""Functions of lists. Every body stands alone: it is shown as the gold answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def running_maximum(numbers: list[int]) -> list[int]:
    """Return a list of the same length whose items are each the largest of the numbers so far."""
    return [max(numbers[: end + 1]) for end in range(len(numbers))]


def running_sum(numbers: list[int]) -> list[int]:
    """Return a list of the same length whose items are each the sum of the numbers so far."""
    return [sum(numbers[: end + 1]) for end in range(len(numbers))]


def remove_duplicates(numbers: list[int]) -> list[int]:
    """Return the numbers without those that stood in the list before, in the same order."""
    return list(dict.fromkeys(numbers))


def rotate_left(numbers: list[int], steps: int) -> list[int]:
    """Move the first number to the end of the list, as often as steps says (0 or more), and return
    the new list. An empty list stays empty.
    """
    if not numbers:
        return []
    steps %= len(numbers)
    return numbers[steps:] + numbers[:steps]


def flatten(lists: list[list[int]]) -> list[int]:
    """Return one list of all numbers in a list of lists, in the same order."""
    return [number for inner in lists for number in inner]


def count_pairs_with_sum(numbers: list[int], total: int) -> int:
    """Return how many pairs of numbers at two different places of the list have that total. A pair
    counts once, whatever its order.
    """
    pairs = 0
    for first in range(len(numbers)):
        for second in range(first + 1, len(numbers)):
            pairs += numbers[first] + numbers[second] == total
    return pairs


def second_largest(numbers: list[int]) -> int:
    """Return the largest but one of at least two different numbers."""
    return sorted(numbers)[-2]


def chunk(numbers: list[int], size: int) -> list[list[int]]:
    """Cut the list into lists of that size, which is at least 1, and return them in order. The last
    one may be shorter.
    """
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def interleave(first: list[int], second: list[int]) -> list[int]:
    """Take a number of the first list and of the second in turn, then what is left of the longer
    one. Return them in that order.
    """
    taken = []
    for place in range(max(len(first), len(second))):
        taken += first[place : place + 1] + second[place : place + 1]
    return taken


def merge_sorted(first: list[int], second: list[int]) -> list[int]:
    """Return all numbers of two lists in ascending order. Both lists are in that order."""
    merged = []
    i = j = 0
    while i < len(first) or j < len(second):
        if j == len(second) or (i < len(first) and first[i] <= second[j]):
            merged.append(first[i])
            i += 1
        else:
            merged.append(second[j])
            j += 1
    return merged


def longest_increasing_run(numbers: list[int]) -> int:
    """Return the length of the longest run of neighbours in which each number is greater than the
    one before it. A single number is a run of length 1; an empty list has none, so 0.
    """
    longest = current = 0
    for place, number in enumerate(numbers):
        current = current + 1 if place and number > numbers[place - 1] else 1
        longest = max(longest, current)
    return longest


def split_even_odd(numbers: list[int]) -> list[list[int]]:
    """Return a list of two lists: the even numbers and the odd ones, each in the same order."""
    evens = [number for number in numbers if number % 2 == 0]
    odds = [number for number in numbers if number % 2 == 1]
    return [evens, odds]


def transpose(rows: list[list[int]]) -> list[list[int]]:
    """Return the columns of a table of rows that are equally long, as a list of lists."""
    return [list(column) for column in zip(*rows, strict=True)]


def largest_gap(numbers: list[int]) -> int:
    """Return the largest difference (never negative) between two neighbours in the list, and 0 if
    it has fewer than two numbers.
    """
    gaps = [abs(numbers[place] - numbers[place - 1]) for place in range(1, len(numbers))]
    return max(gaps, default=0)


def moving_average(numbers: list[int], size: int) -> list[float]:
    """Return the averages of every run of size neighbours (size is at least 1), from left to right.
    The result is empty if the list is shorter than that.
    """
    starts = range(len(numbers) - size + 1)
    return [sum(numbers[start : start + size]) / size for start in starts]


def most_common(numbers: list[int]) -> int:
    """Return the number that occurs most often in a list that is not empty: the smallest if several
    do.
    """
    return max(sorted(set(numbers)), key=numbers.count)


def count_inversions(numbers: list[int]) -> int:
    """Return how many pairs of places there are at which the earlier number is greater than the
    later one.
    """
    pairs = 0
    for later in range(len(numbers)):
        pairs += sum(numbers[earlier] > numbers[later] for earlier in range(later))
    return pairs


def find_sorted(numbers: list[int], wanted: int) -> int:
    """Return the place (from 0) of the wanted number in a list of different numbers in ascending
    order, and -1 if it is not there.
    """
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(numbers) and numbers[low] == wanted else -1


def without(numbers: list[int], unwanted: list[int]) -> list[int]:
    """Return the numbers that are not among the unwanted ones, in the same order."""
    return [number for number in numbers if number not in unwanted]


def _numbers(low: int = 0, high: int = 8, **more: Any) -> dict[str, Any]:
    return {"kind": "list", "of": {"kind": "int"}, "low": low, "high": high, **more}


_FEW = {"kind": "int", "low": 0, "high": 6}  # so that equal ones meet
_FEW_NUMBERS = {"kind": "list", "of": _FEW, "low": 0, "high": 9}

LIST_FUNCTIONS: dict[Callable[..., Any], list[dict[str, Any]]] = {
    running_maximum: [_numbers()],
    running_sum: [_numbers()],
    remove_duplicates: [_FEW_NUMBERS],
    rotate_left: [_numbers(), {"kind": "int", "low": 0, "high": 12}],
    flatten: [{"kind": "list", "of": _numbers(0, 3), "low": 0, "high": 4}],
    count_pairs_with_sum: [_FEW_NUMBERS, {"kind": "int", "low": 0, "high": 12}],
    second_largest: [
        {"kind": "choice", "of": [[3, 1], [5, 9, 7], [-4, -2, -9, 0], [8, 1, 6, 3, 2], [0, 10],
                                  [-7, -3, -5], [12, 11, 10, 9], [4, 40, 14, 44, 41], [2, 5, 3],
                                  [1, 2, 3, 4, 5, 6], [-1, 1], [100, -100, 50], [7, 21, 14]]}
    ],
    chunk: [_numbers(0, 10), {"kind": "int", "low": 1, "high": 4}],
    interleave: [_numbers(0, 5), _numbers(0, 5)],
    merge_sorted: [_numbers(0, 5, sorted=True), _numbers(0, 5, sorted=True)],
    longest_increasing_run: [_FEW_NUMBERS],
    split_even_odd: [_numbers()],
    transpose: [{"kind": "list", "of": _numbers(3, 3), "low": 1, "high": 4}],
    largest_gap: [_numbers(0, 6)],
    moving_average: [_numbers(0, 7), {"kind": "int", "low": 1, "high": 4}],
    most_common: [{**_FEW_NUMBERS, "low": 1}],
    count_inversions: [_FEW_NUMBERS],
    find_sorted: [{**_FEW_NUMBERS, "sorted": True, "distinct": True}, _FEW],
    without: [_FEW_NUMBERS, {**_FEW_NUMBERS, "high": 3}],
}  # fmt: skip
