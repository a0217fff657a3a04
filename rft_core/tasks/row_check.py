"""Which rows of a prompt set can be scored, by what its task knows of them: see `diagnosis`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from rft_core.data.chats import split_chat
from rft_core.data.prompt_set import BUILT_IN, PromptSet
from rft_core.diagnosis.scorable import RowCheck, check_rows
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardSet
from rft_core.tasks import TASKS
from rft_core.tasks.gold import list_gold
from rft_core.types import Row

MADE_ROWS = 16  # of those that a task makes, which are alike


def check_prompt_set(
    prompts: PromptSet, reward_set: RewardSet | None = None, gold_column: str | None = None
) -> RowCheck | None:
    """Of all its rows, by the rewards that a run would have: those given, or its task's own.

    None where neither is known: then nothing can be said.
    """
    if reward_set is None:
        if prompts.task not in TASKS:
            return None
        reward_set = TASKS[prompts.task].reward_set
    if prompts.source == BUILT_IN and prompts.task:
        return check_made_rows(prompts.task, reward_set, gold_column)
    return check_task_rows(prompts.rows, prompts.task, reward_set, gold_column, prompts.split.seed)


def check_made_rows(
    task: str, reward_set: RewardSet, gold_column: str | None = None
) -> RowCheck | None:
    """Of rows that the task makes, by other rewards. None for its own, which read them."""
    known = TASKS.get(task)
    if known is None or known.make_rows is None or reward_set.id == known.reward_set.id:
        return None
    rows, _ = known.load(MADE_ROWS, 0, 0)
    return check_task_rows(rows, task, reward_set, gold_column)


def check_task_rows(
    rows: Sequence[Row],
    task: str | None,
    reward_set: RewardSet,
    gold_column: str | None = None,
    seed: int = 0,
) -> RowCheck:
    """The same of rows without a set.

    What a task writes as solutions, and what it knows to be impossible, is meant for its own
    rewards. A solution that a row brings with it is held against any.
    """
    known = TASKS.get(task or "")
    is_own = known is not None and reward_set.id == known.reward_set.id
    solutions: Sequence[str | None] = ()
    if is_own or gold_column or any(split_chat(row) for row in rows[:1]):
        with suppress(BadInputError, LookupError, TypeError, ValueError):  # rows of any shape
            solutions = list_gold(rows, task=task, column=gold_column, required=False)
    return check_rows(
        reward_set,
        rows,
        solutions=solutions,
        find_obstacle=known.find_obstacle if known and is_own else None,
        seed=seed,
    )
