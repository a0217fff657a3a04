"""TextSource: what an embedded model is trained on, and the tasks that it is judged by.

A source draws rows and writes imperfect completions, from nothing but a random generator. A model
that answers several prompts has a source for each, mixed in equal parts. Prompts, held-out rows and
rewards are those of its tasks, so that a base model is measured by exactly what later trains it. No
text is written here, and no torch is needed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from rft_core.tasks.task import Task
from rft_core.types import Message, Row


@dataclass(frozen=True)
class TextSample:
    """What a base model learns from: a row, its prompt as messages, and one completion.

    `source` wrote it, and writes further completions of the row.
    """

    row: Row
    messages: list[Message]
    completion: str
    source: TextSource


@dataclass(frozen=True)
class Drill:
    """Practice without a prompt: what is `given` carries no loss, what is `wanted` does."""

    given: str
    wanted: str


@dataclass(frozen=True)
class TextSource:
    """The text of one prompt. `tasks`: the first one's prompt is trained on, all are measured.

    `others` are the texts of further prompts, each as frequent as this one's own.
    """

    tasks: tuple[Task, ...]
    tags: tuple[str, ...]  # each becomes one token
    pieces: str  # a regular expression: no token reaches across the ends of what it matches
    sample_row: Callable[[random.Random], Row]
    write_completion: Callable[[Row, random.Random], str]
    write_drill: Callable[[random.Random], Drill] | None = field(default=None, kw_only=True)
    origin: str  # in words, for the recipe: who wrote the text, and what it leaves out
    others: tuple[TextSource, ...] = ()

    def prompt(self, row: Row) -> list[Message]:
        """The prompt of a row in chat form, exactly as the built-in task renders it."""
        return self.tasks[0].prompt(row)

    def sample_text(self, rng: random.Random) -> TextSample:
        """One training text, of this prompt or of another's."""
        source = rng.choice((self, *self.others)) if self.others else self
        row = source.sample_row(rng)
        return TextSample(row, source.prompt(row), source.write_completion(row, rng), source)
