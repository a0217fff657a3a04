"""Synthetic Countdown text: seeded rows, and completions that calculate well and judge badly.

The embedded base model is trained on what this file writes. Its sums are true, and so is the "yes"
or "no" after each attempt; but most texts settle for their first attempt in spite of the "no", and
about a quarter break the format. How to search is in the text, and the habit of searching is not:
that habit is what reinforcement learning adds.

The rules, the prompt and the split of the numbers are those of the built-in task. Nothing is
scored here, and no torch is needed.
"""

import math
import random
from dataclasses import dataclass, replace
from functools import partial

from rft_core.embedded.text_source import Drill, TextSource
from rft_core.tasks.countdown import (
    COUNTDOWN,
    COUNTDOWN_EASY,
    LARGEST_TARGET,
    LARGEST_VALUE,
    Solution,
    bucket,
    list_solutions,
)
from rft_core.tasks.splits import Split
from rft_core.types import Row

EASY_SHARE = 0.3  # of the training rows draw numbers from 1-20 rather than 1-99
OPERATOR_WEIGHT = {"+": 4, "-": 4, "*": 2, "/": 1}  # how often an attempt reaches for each
PATIENT_SHARE = 0.35  # of the texts go on after a miss; the others settle for the first attempt
INSIGHT_RATE = 0.45  # an attempt is right by design: without it there is no sense to sharpen
LARGE_SHARE = 0.3  # of the drills begin with a number that only another step could have made


@dataclass(frozen=True)
class Patience:
    """`give_up`: after each further miss, even a patient text may settle, and does at the last."""

    most_attempts: int
    give_up: float


SHORT, LONG = Patience(4, 0.10), Patience(8, 0.03)


def sample_row(rng: random.Random, split: Split = "train") -> Row:
    """A solvable row of three numbers that belong to `split`."""
    largest = 20 if rng.random() < EASY_SHARE else 99
    while True:
        nums = [rng.randint(1, largest) for _ in range(3)]
        if bucket(nums) != split:
            continue
        targets = [s.value for s in list_solutions(nums) if s.value <= LARGEST_TARGET]
        if targets:
            return {"nums": nums, "target": rng.choice(targets)}


def write_drill(rng: random.Random) -> Drill:
    """One true step, as completions hold it."""
    largest = LARGEST_VALUE if rng.random() < LARGE_SHARE else 99
    while True:
        numbers = [rng.randint(1, largest), rng.randint(1, 20 if rng.random() < EASY_SHARE else 99)]
        if steps := list_solutions(numbers):
            given, _, wanted = rng.choice(steps).steps[0].rpartition(" ")
            return Drill(f"{given} ", f"{wanted}, ")


def imperfect_completion(row: Row, rng: random.Random, patience: Patience = LONG) -> str:
    """A completion whose sums are true, that settles early, and whose format is broken at times."""
    attempts = _search(row, rng, patience)
    lines = [
        f"{', '.join(attempt.steps)} {'yes' if attempt.value == row['target'] else 'no'}"
        for attempt in attempts
    ]
    return _dress("\n".join(lines), _answer(row, attempts[-1], rng), row, rng)


def _search(row: Row, rng: random.Random, patience: Patience) -> list[Solution]:
    """Attempts in order, no value twice; the last is the one the text settles for."""
    candidates = list_solutions(row["nums"])
    patient = rng.random() < PATIENT_SHARE
    tried: list[Solution] = []
    while candidates:
        right = [a for a in candidates if a.value == row["target"]]
        pool = right if right and rng.random() < INSIGHT_RATE else candidates
        attempt = rng.choices(pool, [_weight(a) for a in pool])[0]
        tried.append(attempt)
        if attempt.value == row["target"] or not patient:
            break
        if len(tried) == patience.most_attempts:
            break
        if len(tried) > 1 and rng.random() < patience.give_up:
            break
        candidates = [a for a in candidates if a.value != attempt.value]
    return tried


def _weight(attempt: Solution) -> int:
    return math.prod(OPERATOR_WEIGHT[step.split()[1]] for step in attempt.steps)


def _answer(row: Row, last: Solution, rng: random.Random) -> str:
    """The last attempt's expression, or one of the slips people make when they copy it."""
    slip = rng.random()
    if slip < 0.06:
        return rng.choice(list_solutions(row["nums"])).expression  # not what was worked out
    if slip < 0.10:
        return last.steps[0].split(" = ")[0]  # leaves a number out
    if slip < 0.13:
        return f"{last.expression} = {row['target']}"
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
        f"{think}\n{tagged}\nThe equation equals {row['target']}.": 4,
        f"Let me try.\n{think}\n{tagged}": 3,
        f"{think}\n{tagged}\n{tagged}": 2,
        f"{think}\n{answer}": 2,
    }
    return rng.choices(list(texts), list(texts.values()))[0]


COUNTDOWN_TEXT = TextSource(
    tasks=(COUNTDOWN, COUNTDOWN_EASY),
    tags=("<think>", "</think>", "<answer>", "</answer>"),
    pieces=r"[0-9]",
    sample_row=sample_row,
    write_completion=imperfect_completion,
    write_drill=write_drill,
    origin=(
        "All text was written by a seeded program (countdown_text.py): random Countdown rows, true "
        "arithmetic, and injected faults. No other text, and none by a person or another model, "
        "was used. One multiset of three numbers in eight is held out, and so is 15, 74, 9."
    ),
)

# What the base is trained on first. Alone it taught sums that were right in four cases of five.
COUNTDOWN_FIRST_TEXT = replace(
    COUNTDOWN_TEXT, write_completion=partial(imperfect_completion, patience=SHORT)
)
