"""Rows of a run's prompts that nothing can score: looked for before it is launched.

The rules are in `diagnosis.scorable`. A stored set never changes and neither do rewards, so what
was found is kept for as long as the process lives: a form is drawn more often than they are.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.data import PromptSet
from rft_core.diagnosis.scorable import RowCheck
from rft_core.errors import RftError
from rft_core.jobs.pinning import find_rewards
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.scorer import check_reward_set
from rft_core.store.index import open_index
from rft_core.store.sets import get_set
from rft_core.tasks.row_check import check_made_rows, check_prompt_set
from rft_core.types import Problem


def list_row_problems(runs_dir: Path, config: RunConfig) -> list[Problem]:
    """Errors where no completion of this run could be judged, warnings where some could not.

    Empty where the sets cannot be read: that is among the problems of the run already. A method
    that learns without rewards is only warned.
    """
    try:
        rewards = _get_rewards(runs_dir, config)
        if rewards is None:
            return []
        found = find_row_problems(
            runs_dir, rewards, config.task, config.prompt_set, config.gold_column
        )
    except RftError:
        return []
    if any("rewards" in method.needs for method in config.methods):
        return found
    return [replace(problem, severity="warning") for problem in found]


def find_row_problems(
    runs_dir: Path,
    reward_set: RewardSet,
    task: str,
    prompt_set: str | None,
    gold_column: str | None = None,
) -> list[Problem]:
    """The same of rewards that need not be stored, over a stored set or the task's own rows.

    Raises `RftError` for rewards that cannot be used and for a set that is not there.
    """
    check_reward_set(reward_set)
    found = _check(runs_dir, task, prompt_set, reward_set.to_json(), gold_column)
    return found.list_problems() if found else []


def _get_rewards(runs_dir: Path, config: RunConfig) -> RewardSet | None:
    with open_index(runs_dir) as index:
        return find_rewards(index, config)


@lru_cache(maxsize=32)
def _check(
    runs_dir: Path, task: str, prompt_set: str | None, rewards: str, gold_column: str | None
) -> RowCheck | None:
    reward_set = RewardSet.from_json(rewards)
    if prompt_set is not None:
        with open_index(runs_dir) as index:
            prompts = PromptSet.from_json(get_set(index, "prompts", prompt_set).content)
        return check_prompt_set(prompts, reward_set, gold_column)
    return check_made_rows(task, reward_set, gold_column)
