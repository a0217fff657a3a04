"""A task's prompts as the reward probes want them: with the gold completion and the cheats."""

from __future__ import annotations

from collections.abc import Sequence

from rft_core.diagnosis.probe_target import Case
from rft_core.rewards.contract import Messages, Row
from rft_core.tasks.task import Task

MOST_CASES = 8  # some ninety completions each; more would hardly find more


def make_cases(
    task: Task | None,
    rows: Sequence[Row],
    prompts: Sequence[Messages],
    groups: Sequence[Sequence[str]] = (),
) -> list[Case]:
    """One case per row, at most `MOST_CASES`; `groups` is what a model wrote for each prompt."""
    cases = []
    for index, (row, prompt) in enumerate(zip(rows[:MOST_CASES], prompts, strict=False)):
        cases.append(
            Case(
                row=row,
                prompt=prompt,
                gold=task.write_gold(row) if task else None,
                cheats=task.cheats(row) if task and task.cheats else {},
                samples=groups[index] if groups else (),
            )
        )
    return cases
