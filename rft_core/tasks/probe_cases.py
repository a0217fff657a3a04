"""A task's prompts as the reward probes want them: with the gold completion and the cheats."""

from __future__ import annotations

from collections.abc import Sequence

from rft_core.diagnosis.probes.target import ProbeCase
from rft_core.tasks.task import Task
from rft_core.types import Messages, Row

MOST_CASES = 8  # some ninety completions each; more would hardly find more
DRAWN, OTHERS, SEED = 24, 2, 1


def make_cases(
    task: Task | None,
    rows: Sequence[Row],
    prompts: Sequence[Messages],
    groups: Sequence[Sequence[str]] = (),
) -> list[ProbeCase]:
    """One case per row, at most `MOST_CASES`; `groups` is what a model wrote for each prompt."""
    if task is None:
        plain = zip(rows[:MOST_CASES], prompts, strict=False)
        return [
            ProbeCase(row, prompt, samples=groups[index] if groups else ())
            for index, (row, prompt) in enumerate(plain)
        ]
    drawn = task.make_rows("train", DRAWN, SEED) if task.make_rows else []
    return [
        ProbeCase(
            row=row,
            prompt=prompt,
            gold=task.write_gold(row),
            cheats=task.cheats(row) if task.cheats else {},
            others=_list_others(task, row, drawn),
            samples=groups[index] if groups else (),
        )
        for index, (row, prompt) in enumerate(zip(rows[:MOST_CASES], prompts, strict=False))
    ]


def _list_others(task: Task, row: Row, drawn: Sequence[Row]) -> list[str]:
    """Gold completions of the rows most like this one: valid answers, to another question.

    Alike are rows with equal columns, such as kernels of the same inputs.
    """

    def unlike(other: Row) -> int:
        return sum(row.get(name) != value for name, value in other.items())

    different = [other for other in drawn if task.row_key(other) != task.row_key(row)]
    golds = map(task.write_gold, sorted(different, key=unlike)[:OTHERS])
    return [gold for gold in golds if gold is not None]
