"""Is the answer what the thought works out? True sums that end in the value that is answered.

1 where every calculation before the answer is true and the last one ends in the answer's value: the
number itself, or the one that the row's `options` give to the letter. Whether the answer is right
is another grader's business, and so is whether the sums are those that the question asks for: a
right letter with 0 here was guessed, or reached by a false sum. A calculation has two sides with
"=" between them that can be read as numbers and + - * /, one of them with an operator; text, units
and unknowns around it are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise

from rft_core.rewards.answers.equation import read_value
from rft_core.rewards.answers.matching import list_options, read_choice
from rft_core.rewards.answers.number_text import parse_number, show_number
from rft_core.rewards.completion_text import EXTRACTIONS
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import EXTRACTION, GraderInfo, GraderOption
from rft_core.types import Row

LONGEST_SIDE = 100
MOST_CALCULATIONS = 200
# Numbers, operators and "=" on one line; a point or comma belongs to it only within a number.
_RUN = re.compile(r"(?:[0-9+\-*/×÷()= ]|[.,](?=[0-9]))+")
_OPERATOR = re.compile(r"[0-9)] *[-+*/]")
_DECIMALS = re.compile(r"\.(\d+)$")
_SIGNS = str.maketrans({"×": "*", "÷": "/", "−": "-", "$": None})


@dataclass(frozen=True)
class Equality:
    """Two sides of one "=" in a text, with their values."""

    text: str
    left: Fraction
    right: Fraction
    rounding: Fraction  # half a unit in the last decimal place of the right side

    @property
    def is_true(self) -> bool:
        return abs(self.left - self.right) <= self.rounding


def grade_reasoning(
    completion: str, row: Row, *, options_column: str = "options", extraction: str = "auto"
) -> Grade:
    """1 if the thought's calculations are true and end in the value of the answer."""
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return Grade(0.0, answer.problem, answer.flags)
    options = list_options(row.get(options_column))
    letter = read_choice(answer.text) if options else None
    stated = options.get(letter, "") if letter else answer.text
    value = parse_number(stated)
    if value is None:
        return Grade(0.0, f"The answer {answer.text[:60]!r} does not name one number.")
    thought = completion.partition("<answer>")[0]
    found = list(islice(list_equalities(thought), MOST_CALCULATIONS + 1))
    if not found or len(found) > MOST_CALCULATIONS:
        amount = "far too many calculations" if found else "no calculation"
        return Grade(0.0, f"There is {amount} before the answer.")
    for equality in found:
        if not equality.is_true:
            return Grade(0.0, f"'{equality.text:.60}' is false.")
    if found[-1].right != value:
        ends, wanted = show_number(found[-1].right), show_number(value)
        return Grade(0.0, f"The calculations end in {ends}, and the answer is {wanted}.")
    return Grade(1.0, f"The {len(found)} calculations are true and end in {show_number(value)}.")


def list_equalities(text: str) -> Iterator[Equality]:
    """Every "a = b" whose sides can be read, of which one calculates; a = b = c is two."""
    for run in _RUN.finditer(text.translate(_SIGNS)):
        sides = [side.strip().removeprefix("- ").replace(",", "") for side in run[0].split("=")]
        for pair in pairwise(sides):
            if max(map(len, pair)) > LONGEST_SIDE or not any(map(_OPERATOR.search, pair)):
                continue
            left, right = map(read_value, pair)
            if left is not None and right is not None:
                yield Equality(" = ".join(pair), left, right, _rounding(pair[1]))


def _rounding(text: str) -> Fraction:
    decimals = _DECIMALS.search(text)
    return Fraction(1, 2 * 10 ** len(decimals[1])) if decimals else Fraction(0)


REASONING = GraderInfo(
    "reasoning",
    grade_reasoning,
    "1 if the calculations before the answer are true and end in the value that is answered.",
    (
        GraderOption(
            "options_column", "text", "options", "Column with the choices, where it has any."
        ),
        EXTRACTION,
    ),
)
