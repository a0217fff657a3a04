"""TextSource: what an embedded model is trained on, and the tasks that it is judged by.

A source draws rows and writes imperfect completions, from nothing but a random generator. Prompts,
held-out rows and rewards are those of its tasks, so that a base model is measured by exactly what
later trains it. No text is written here, and no torch is needed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from rft_core.tasks.task import Task
from rft_core.types import Message, Row


@dataclass(frozen=True)
class TextSample:
    """What a base model learns from: a row, its prompt as messages, and one completion."""

    row: Row
    messages: list[Message]
    completion: str


@dataclass(frozen=True)
class TextSource:
    """One task's text. `tasks`: the first one's prompt is trained on, and all are measured."""

    tasks: tuple[Task, ...]
    tags: tuple[str, ...]  # each becomes one token
    pieces: str  # a regular expression: no token reaches across the ends of what it matches
    sample_row: Callable[[random.Random], Row]
    write_completion: Callable[[Row, random.Random], str]
    origin: str  # in words, for the recipe: who wrote the text, and what it leaves out

    def prompt(self, row: Row) -> list[Message]:
        """The prompt of a row in chat form, exactly as the built-in task renders it."""
        return self.tasks[0].prompt(row)

    def sample_text(self, rng: random.Random) -> TextSample:
        """One training text."""
        row = self.sample_row(rng)
        return TextSample(row, self.prompt(row), self.write_completion(row, rng))
