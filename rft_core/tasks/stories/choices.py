"""Five choices for a story: the right value among values that usual mistakes lead to."""

from __future__ import annotations

import random
from typing import Any

from rft_core.tasks.stories.generator import make_stories
from rft_core.tasks.stories.mistakes import list_mistakes
from rft_core.tasks.stories.story import Story

LETTERS = "abcde"
NEAR = (-10, -2, -1, 1, 2, 3, 5, 10)  # the additions alone are enough for four choices


def make_rows(split: str, count: int, seed: int) -> list[dict[str, Any]]:
    """The stories that `word_problems` has for the same split and seed, in MathQA's columns."""
    return make_stories(split, count, seed, write_row)


def write_row(story: Story) -> dict[str, Any]:
    """Question, options ("a ) 12 , b ) 16 …"), the right letter, and the way to it."""
    values = choose_values(story)
    steps = story.work_out() or []
    return {
        "question": story.question,
        "options": " , ".join(f"{sign} ) {n}" for sign, n in zip(LETTERS, values, strict=True)),
        "answer": LETTERS[values.index(story.answer)],
        "rationale": "\n".join(step.plain() for step in steps),
        "kind": story.kind.name,
        "steps": len(steps),
    }


def choose_values(story: Story) -> list[int]:
    """Five different values in an order that says nothing; always the same ones for a question."""
    rng = random.Random(story.question)
    tempting = list(dict.fromkeys(mistake.value for mistake in list_mistakes(story)))
    wrong = rng.sample(tempting, min(len(tempting), len(LETTERS) - 1))
    while len(wrong) < len(LETTERS) - 1:
        near = story.answer + rng.choice(NEAR)
        if near > 0 and near not in (*wrong, story.answer):
            wrong.append(near)
    values = [story.answer, *wrong]
    rng.shuffle(values)
    return values
