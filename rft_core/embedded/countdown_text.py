"""Synthetic Countdown text: seeded rows, and completions that reason well and finish badly.

The embedded base model is trained on what this file writes. The arithmetic is always true; what
is imperfect is the judgement: most texts stop at their first attempt whether or not it hits the
target, and about a quarter break the format. The ability to search, try by try, is in the text,
and the habit of using it is not: that habit is what reinforcement learning adds.

It writes text and splits rows into training and held out. It scores nothing and needs no torch.
"""

import hashlib
import random
from dataclasses import dataclass
from itertools import permutations, product

USER_TEMPLATE = (
    "Using the numbers {nums}, create an equation that equals {target}. You can use basic "
    "arithmetic operations (+, -, *, /) and each number must be used exactly once. Show your work "
    "in <think> </think> tags, and return the final equation in <answer> </answer> tags, for "
    "example <answer> (1 + 2) / 3 </answer>."
)
SHOWCASE_NUMS = (15, 74, 9)  # the row everybody tries first: never in the training text

LARGEST_TARGET = 100
LARGEST_VALUE = 400  # attempts never pass through larger numbers: the model cannot learn them all
HELD_OUT_ONE_IN = 8
EASY_SHARE = 0.3  # of the training rows draw numbers from 1-20 rather than 1-99

OPERATOR_WEIGHT = {"+": 4, "-": 4, "*": 2, "/": 1}  # how often an attempt reaches for each
PATIENT_SHARE = 0.20  # of the texts go on after a miss; the others settle for the first attempt
GIVE_UP_RATE = 0.15  # after each further miss, even a patient text may settle
INSIGHT_RATE = 0.05  # an attempt is a right one by design, beyond those that chance finds
MAX_ATTEMPTS = 4


@dataclass(frozen=True)
class Row:
    """One Countdown task: combine every one of `nums` exactly once to reach `target`."""

    nums: tuple[int, ...]
    target: int


@dataclass(frozen=True)
class Step:
    """One true sum."""

    left: int
    operator: str
    right: int
    value: int

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right} = {self.value}"


@dataclass(frozen=True)
class Attempt:
    """Two steps that combine three numbers: `end` takes the value of `start` and the third."""

    start: Step
    end: Step
    start_on_left: bool

    @property
    def value(self) -> int:
        return self.end.value

    @property
    def weight(self) -> int:
        return OPERATOR_WEIGHT[self.start.operator] * OPERATOR_WEIGHT[self.end.operator]

    @property
    def expression(self) -> str:
        """Both steps as one expression, with parentheses where they are needed."""
        inner = f"{self.start.left} {self.start.operator} {self.start.right}"
        outer = self.end.operator
        sums_first = self.start.operator in "+-" and outer in "*/"
        if sums_first or (outer in "-/" and not self.start_on_left):
            inner = f"({inner})"
        if self.start_on_left:
            return f"{inner} {outer} {self.end.right}"
        return f"{self.end.left} {outer} {inner}"


@dataclass(frozen=True)
class TextSample:
    """What the base model learns from: a row, the prompt as messages, and one completion."""

    row: Row
    messages: list[dict[str, str]]
    completion: str


def is_held_out(nums: tuple[int, ...]) -> bool:
    """Whether this multiset of numbers is kept away from the training text, whatever the target."""
    ordered = sorted(nums)
    if ordered == sorted(SHOWCASE_NUMS):
        return True
    digest = hashlib.sha256(repr(ordered).encode()).digest()
    return digest[0] % HELD_OUT_ONE_IN == 0


def sample_row(rng: random.Random, largest: int = 99, held_out: bool = False) -> Row:
    """A solvable row of three numbers from 1 to `largest`, from the wanted side of the split."""
    while True:
        nums = tuple(rng.randint(1, largest) for _ in range(3))
        if is_held_out(nums) != held_out:
            continue
        targets = [a.value for a in list_attempts(nums) if a.value <= LARGEST_TARGET]
        if targets:
            return Row(nums, rng.choice(targets))


def prompt_messages(row: Row) -> list[dict[str, str]]:
    """The prompt of a row in chat form."""
    content = USER_TEMPLATE.format(nums=list(row.nums), target=row.target)
    return [{"role": "user", "content": content}]


def sample_text(rng: random.Random) -> TextSample:
    """One training text."""
    row = sample_row(rng, largest=20 if rng.random() < EASY_SHARE else 99)
    return TextSample(row, prompt_messages(row), imperfect_completion(row, rng))


def imperfect_completion(row: Row, rng: random.Random) -> str:
    """A completion with true arithmetic, a hasty judgement, and now and then a broken format."""
    attempts = _search(row, rng)
    lines = [f"{attempt.start}, {attempt.end}" for attempt in attempts]
    answer = _answer(row, attempts[-1], rng)
    return _dress(" no\n".join(lines), answer, row, rng)


def list_attempts(nums: tuple[int, ...]) -> list[Attempt]:
    """Every way to combine three numbers through positive whole values up to LARGEST_VALUE."""
    attempts = []
    for first, second, third in permutations(nums):
        for inner, outer in product(OPERATOR_WEIGHT, repeat=2):
            start = _step(first, inner, second)
            if start is None:
                continue
            for start_on_left in (True, False):
                pair = (start.value, third) if start_on_left else (third, start.value)
                end = _step(pair[0], outer, pair[1])
                if end:
                    attempts.append(Attempt(start, end, start_on_left))
    return attempts


def _step(left: int, operator: str, right: int) -> Step | None:
    """None where the value would not be a positive whole number in the allowed range.

    The larger number comes first: one way to write each step, so there is less to learn.
    """
    if left < right or (operator == "/" and left % right):
        return None
    value = {"+": left + right, "-": left - right, "*": left * right, "/": left // right}[operator]
    return Step(left, operator, right, value) if 0 < value <= LARGEST_VALUE else None


def _search(row: Row, rng: random.Random) -> list[Attempt]:
    """Attempts in order, no value twice; the last is the one the text settles for."""
    candidates = list_attempts(row.nums)
    patient = rng.random() < PATIENT_SHARE
    tried: list[Attempt] = []
    while candidates:
        right = [a for a in candidates if a.value == row.target]
        pool = right if right and rng.random() < INSIGHT_RATE else candidates
        attempt = rng.choices(pool, [a.weight for a in pool])[0]
        tried.append(attempt)
        if attempt.value == row.target or not patient or len(tried) == MAX_ATTEMPTS:
            break
        if len(tried) > 1 and rng.random() < GIVE_UP_RATE:
            break
        candidates = [a for a in candidates if a.value != attempt.value]
    return tried


def _answer(row: Row, last: Attempt, rng: random.Random) -> str:
    """The last attempt's expression, or one of the slips people make when they copy it."""
    slip = rng.random()
    if slip < 0.10:
        return rng.choice(list_attempts(row.nums)).expression  # not what was worked out
    if slip < 0.15:
        return f"{last.start.left} {last.start.operator} {last.start.right}"  # leaves a number out
    if slip < 0.19:
        return f"{last.expression} = {row.target}"
    return last.expression


def _dress(thought: str, answer: str, row: Row, rng: random.Random) -> str:
    """Put the tags around it: right three times out of four."""
    think, tagged = f"<think>{thought}</think>", f"<answer>{answer}</answer>"
    texts = {
        f"{think}\n{tagged}": 76,
        f"<think>{thought}\n{tagged}": 5,
        f"{thought}\n{tagged}": 4,
        tagged: 2,
        f"<think></think>\n{tagged}": 2,
        f"{think}\n{tagged}\nThe equation equals {row.target}.": 4,
        f"Let me try.\n{think}\n{tagged}": 3,
        f"{think}\n{tagged}\n{tagged}": 2,
        f"{think}\n{answer}": 2,
    }
    return rng.choices(list(texts), list(texts.values()))[0]
