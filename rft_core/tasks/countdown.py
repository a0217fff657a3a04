"""Countdown: combine every number exactly once, with + - * /, to reach the target.

Rows are drawn from a seed and solvable by construction. The multiset of numbers alone decides
whether a row is for training, validation or the held-out test, so that no split ever sees another
split's numbers, whatever their order and target. The prompt is the one of TinyZero and Predibase.
"""

from __future__ import annotations

import math
import random
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import combinations

from rft_core.data.mapping import RowField
from rft_core.data.template import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.tasks.cheats import countdown_cheats
from rft_core.tasks.splits import EVALUATED_ONE_IN, Split, choose_split
from rft_core.tasks.task import Rows, Task
from rft_core.types import Row

USER_TEMPLATE = (
    "Using the numbers {{ nums }}, create an equation that equals {{ target }}. You can use basic "
    "arithmetic operations (+, -, *, /) and each number must be used exactly once. Show your work "
    "in <think> </think> tags, and return the final equation in <answer> </answer> tags, for "
    "example <answer> (1 + 2) / 3 </answer>."
)
SHOWCASE_NUMS = (15, 74, 9)  # the row everybody tries first: never trained on
LARGEST_TARGET = 100
LARGEST_VALUE = 400  # on the way to the target, as in the text of the embedded model
MOST_NUMBERS_EXACTLY = 4  # of which all ways are tried: some 5,000
MOST_NUMBERS = 5  # the search visits about 200,000 combinations of five
MISSES_BEFORE_GIVING_UP = 5_000
MOST_TARGETS = 24  # that three numbers were seen to reach; 4 to 11 on average


@dataclass(frozen=True)
class Solution:
    """A value that can be reached, the expression that does it, and its single steps."""

    value: int
    expression: str
    operator: str = ""
    steps: tuple[str, ...] = ()


def bucket(nums: Sequence[int]) -> Split:
    """The split to which rows with these numbers belong, in any order and with any target."""
    ordered = sorted(nums)
    if ordered == sorted(SHOWCASE_NUMS):
        return "held_out"
    return choose_split(repr(ordered))


def make_rows(largest: int, split: str, count: int, seed: int) -> Rows:
    """`count` different solvable rows of three numbers from 1 to `largest`, all of one split."""
    rng = random.Random(f"countdown {largest} {split} {seed}")
    rows: dict[tuple[Hashable, int], dict[str, object]] = {}
    misses = 0
    if count > _most_rows(largest, split):
        raise _too_many(largest, f"{count:,} were asked for")
    while len(rows) < count:
        nums = [rng.randint(1, largest) for _ in range(3)]
        targets = [s.value for s in list_solutions(nums)] if bucket(nums) == split else []
        targets = [target for target in targets if target <= LARGEST_TARGET]
        target = rng.choice(targets) if targets else 0
        key = (make_key({"nums": nums}), target)
        if not target or key in rows:
            misses += 1
            if misses > MISSES_BEFORE_GIVING_UP + 20 * count:
                raise _too_many(largest, f"{len(rows):,} were found")
            continue
        rows[key] = {"nums": nums, "target": target}
    return list(rows.values())


def make_key(row: Row) -> Hashable:
    """The multiset of numbers, which decides the split."""
    return tuple(sorted(row["nums"]))


def _most_rows(largest: int, split: str) -> float:
    """More than there can be: known before any is searched for."""
    share = (EVALUATED_ONE_IN - 1 if split == "train" else 1) / EVALUATED_ONE_IN
    return math.comb(largest + 2, 3) * share * MOST_TARGETS


def _too_many(largest: int, why: str) -> BadInputError:
    return BadInputError(
        f"There are not so many different Countdown rows of numbers up to {largest}",
        why,
        "Ask for fewer",
    )


def list_solutions(nums: Sequence[int]) -> list[Solution]:
    """Every way to combine all numbers through positive whole values up to LARGEST_VALUE."""
    return list(_combine([Solution(number, str(number)) for number in nums]))


def write_gold(row: Row) -> str | None:
    """The steps of the first solution as the thought, its expression as the answer."""
    if len(row["nums"]) > MOST_NUMBERS:
        return None
    for solution in _combine([Solution(number, str(number)) for number in row["nums"]]):
        if solution.value == row["target"]:
            thought = ", ".join(solution.steps) or f"{solution.expression} = {solution.value}"
            return f"<think>{thought}</think>\n<answer>{solution.expression}</answer>"
    return None


def find_obstacle(row: Row) -> str:
    """Of up to four numbers all ways are tried, through fractions and negative values too."""
    nums, target = row.get("nums"), row.get("target")
    if not isinstance(nums, list) or not 0 < len(nums) <= MOST_NUMBERS_EXACTLY:
        return ""
    if any(type(number) is not int for number in (*nums, target)) or write_gold(row):
        return ""
    reached = _reach(tuple(sorted(map(Fraction, nums))))
    return "" if target in reached else "No equation of these numbers reaches the target"


def _reach(values: tuple[Fraction, ...]) -> set[Fraction]:
    """All values of expressions that use every one of `values` once."""
    if len(values) == 1:
        return {values[0]}
    found = set()
    for first, second in combinations(range(len(values)), 2):
        rest = [value for index, value in enumerate(values) if index not in (first, second)]
        one, other = values[first], values[second]
        joined = {one + other, one - other, other - one, one * other}
        joined |= {a / b for a, b in ((one, other), (other, one)) if b}
        for value in joined:
            found |= _reach(tuple(sorted((value, *rest))))
    return found


def _combine(parts: list[Solution]) -> Iterator[Solution]:
    """Join two parts in every allowed way, and go on with one part less."""
    if len(parts) == 1:
        yield parts[0]
        return
    for first, second in combinations(range(len(parts)), 2):
        rest = [part for index, part in enumerate(parts) if index not in (first, second)]
        for joined in _join(parts[first], parts[second]):
            yield from _combine([joined, *rest])


def _join(one: Solution, other: Solution) -> Iterator[Solution]:
    """The larger value comes first: one way to write each step."""
    left, right = (one, other) if one.value >= other.value else (other, one)
    values = {"+": left.value + right.value, "-": left.value - right.value}
    values["*"] = left.value * right.value
    if right.value and left.value % right.value == 0:
        values["/"] = left.value // right.value
    for operator, value in values.items():
        if 0 < value <= LARGEST_VALUE:
            step = f"{left.value} {operator} {right.value} = {value}"
            expression = f"{_left(left, operator)} {operator} {_right(right, operator)}"
            yield Solution(value, expression, operator, (*left.steps, *right.steps, step))


def _left(part: Solution, operator: str) -> str:
    needs_parentheses = part.operator in ("+", "-") and operator in "*/"
    return f"({part.expression})" if needs_parentheses else part.expression


def _right(part: Solution, operator: str) -> str:
    needs_parentheses = part.operator in ("+", "-") and operator in "-*/"
    needs_parentheses |= part.operator != "" and operator == "/"
    return f"({part.expression})" if needs_parentheses else part.expression


_REWARDS = RewardSet(
    (RewardEntry("format", "format"), RewardEntry("equation", "equation")),
    "countdown",
    truth=("equation",),
)
_FIELDS = (RowField("nums", "integers"), RowField("target", "integer"))
_EXAMPLE = {"nums": [15, 74, 9], "target": 50}

COUNTDOWN = Task(
    name="countdown",
    title="Countdown",
    description="Combine three numbers from 1 to 99 into an expression that hits the target.",
    fields=_FIELDS,
    template=PromptTemplate(system="", user=USER_TEMPLATE),
    reward_set=_REWARDS,
    example_row=_EXAMPLE,
    write_gold=write_gold,
    make_rows=partial(make_rows, 99),
    make_key=make_key,
    cheats=countdown_cheats,
    find_obstacle=find_obstacle,
    family="countdown",
)

COUNTDOWN_EASY = replace(
    COUNTDOWN,
    name="countdown-easy",
    title="Countdown, easy",
    description="Countdown with three numbers from 1 to 20.",
    make_rows=partial(make_rows, 20),
)
