"""Rows of word problems: every sort of story, with the worked answer in GSM8K's form.

The sort of a story and its numbers decide whether a row is for training, validation or the held-out
test: the same sum about other people and other things is the same problem.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Hashable
from typing import Any

from rft_core.rewards.completion_text import HASH_MARK
from rft_core.tasks.splits import Split, choose_split, draw_different
from rft_core.tasks.stories.kinds import KINDS
from rft_core.tasks.stories.story import Step, Story, tell
from rft_core.types import Row

_NUMBER = re.compile(r"\d+")


def make_rows(split: str, count: int, seed: int) -> list[dict[str, Any]]:
    """`count` different questions of one split, with `kind` and `steps` beside the answer."""
    return make_stories(split, count, seed, write_row)


def make_stories(
    split: str, count: int, seed: int, write: Callable[[Story], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows that `write` makes of a split's stories: the same stories, whatever it writes."""
    rng = random.Random(f"stories {split} {seed}")
    return draw_different(
        lambda: write(sample_story(rng, split)), split, count, column="question", key=make_key
    )


def sample_story(rng: random.Random, split: str = "train") -> Story:
    """A story of any sort that belongs to `split`."""
    while True:
        story = tell(rng.choice(list(KINDS.values())), rng)
        if bucket(story) == split:
            return story


def write_row(story: Story) -> dict[str, Any]:
    """Question and worked answer, as GSM8K has them."""
    steps = story.work_out() or []
    return {
        "question": story.question,
        "answer": write_answer(steps),
        "kind": story.kind.name,
        "steps": len(steps),
    }


def write_answer(steps: list[Step]) -> str:
    """A line for each step, then `#### value`."""
    return "\n".join([*(step.marked() for step in steps), f"{HASH_MARK} {steps[-1].value}"])


def bucket(story: Story) -> Split:
    """The split of every story of this sort with these numbers."""
    return choose_split(repr(make_key({"question": story.question, "kind": story.kind.name})))


def is_story(row: Row) -> bool:
    """Whether the row is one of ours, and no upload's."""
    return row.get("kind") in KINDS


def make_key(row: Row) -> Hashable:
    """The sort of a story with its numbers; of any other question, its words."""
    question = str(row["question"])
    if is_story(row):
        return (row["kind"], *sorted(map(int, _NUMBER.findall(question))))
    return " ".join(question.casefold().split())
