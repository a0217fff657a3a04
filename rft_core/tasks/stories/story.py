"""A story: a question in words, the calculations that answer it, and a sentence for each of them.

A `StoryKind` is a table entry: questions with gaps, the ranges of their numbers, and a plan.
Telling it draws names, things and numbers until each calculation comes out whole and small.
"""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

NAMES = (
    "Ada", "Ben", "Carla", "Dan", "Ella", "Finn", "Grace", "Hugo", "Ines", "Jonas", "Kim", "Lena",
    "Mateo", "Nora", "Omar", "Petra",
)  # fmt: skip
THINGS = (
    "apples", "balls", "books", "cards", "cookies", "flowers", "marbles", "pears", "pencils",
    "shells", "stamps", "stickers",
)  # fmt: skip
OPERATORS: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv,
}  # fmt: skip
LARGEST_VALUE = 100
LARGEST_FACTOR = 12  # one side of every product and the right side of every quotient: its table
_CALCULATION = re.compile(r"(\w+) = (\w+) ([-+*/]) (\w+)")


@dataclass(frozen=True)
class Calculation:
    """`name = left operator right`; a side is a number's letter, an earlier name or digits."""

    name: str
    left: str
    operator: str
    right: str


@dataclass(frozen=True)
class StoryKind:
    """One sort of story.

    Gaps: {name} and {other} are people, {things} and {others} what can be counted, a letter is a
    number drawn from its range in `numbers`. `plan` pairs each calculation ("x = a * b") with its
    sentence, in which {x} stands for the calculation and its value. The last one is the answer.
    """

    name: str
    questions: tuple[str, ...]
    numbers: Mapping[str, tuple[int, int]]
    plan: tuple[tuple[str, str], ...]

    @property
    def calculations(self) -> tuple[Calculation, ...]:
        return tuple(read_calculation(text) for text, _ in self.plan)


@dataclass(frozen=True)
class Step:
    """A calculation with its numbers: 3 * 4 = 12, told by `sentence`, which has a gap {}."""

    left: int
    operator: str
    right: int
    value: int
    sentence: str

    @property
    def term(self) -> str:
        return f"{self.left} {self.operator} {self.right}"

    def plain(self) -> str:
        """The sentence: "The pens cost 3 * 4 = 12 dollars."."""
        return self.sentence.replace("{}", f"{self.term} = {self.value}")

    def marked(self) -> str:
        """The sentence as in GSM8K: "The pens cost 3 * 4 = <<3*4=12>>12 dollars."."""
        mark = f"<<{self.term.replace(' ', '')}={self.value}>>"
        return self.sentence.replace("{}", f"{self.term} = {mark}{self.value}")


@dataclass(frozen=True)
class Story:
    """A story that was told: its kind, its question, and what filled the gaps."""

    kind: StoryKind
    question: str
    words: Mapping[str, str]
    numbers: Mapping[str, int]

    def work_out(self, calculations: Sequence[Calculation] = ()) -> list[Step] | None:
        """The steps of the right plan, or of another one; None where it does not come out."""
        plan = calculations or self.kind.calculations
        sentences = {read_calculation(text).name: said for text, said in self.kind.plan}
        values, steps = dict(self.numbers), []
        for one in plan:
            left, right = (_read_side(side, values) for side in (one.left, one.right))
            value = calculate(left, one.operator, right)
            if value is None:
                return None
            values[one.name] = value
            sentence = fill(sentences[one.name], {**self.words, one.name: "{}"})
            steps.append(Step(left, one.operator, right, value, sentence))
        return steps

    @property
    def answer(self) -> int:
        steps = self.work_out()
        assert steps, "a story that was told comes out"
        return steps[-1].value


def tell(kind: StoryKind, rng: random.Random) -> Story:
    """A story of this kind: all its numbers and values differ, so that none can be confused."""
    name, other = rng.sample(NAMES, 2)
    things, others = rng.sample(THINGS, 2)
    words = {"name": name, "other": other, "things": things, "others": others}
    question = rng.choice(kind.questions)
    while True:
        numbers = {letter: rng.randint(*range_) for letter, range_ in kind.numbers.items()}
        shown = {**words, **{letter: str(number) for letter, number in numbers.items()}}
        story = Story(kind, fill(question, shown), words, numbers)
        steps = story.work_out()
        values = [*numbers.values(), *(step.value for step in steps or ())]
        if steps and len(set(values)) == len(values):
            return story


def calculate(left: int, sign: str, right: int) -> int | None:
    """The value, or None: not whole, not positive, or beyond what one calculates in one's head."""
    if sign == "/" and (right == 0 or left % right or right > LARGEST_FACTOR):
        return None
    if sign == "*" and min(left, right) > LARGEST_FACTOR:
        return None
    value = OPERATORS[sign](left, right)
    return value if 0 < value <= LARGEST_VALUE else None


def read_calculation(text: str) -> Calculation:
    """ "x = a * b" as a calculation."""
    found = _CALCULATION.fullmatch(text)
    assert found, text
    return Calculation(*found.groups())


def fill(text: str, gaps: Mapping[str, str]) -> str:
    """The text with its {gaps} filled; others stay."""
    return re.sub(r"\{(\w+)\}", lambda gap: gaps.get(gap[1], gap[0]), text)


def _read_side(side: str, values: Mapping[str, int]) -> int:
    return int(side) if side.isdigit() else values[side]
