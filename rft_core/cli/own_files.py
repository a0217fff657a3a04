"""Files that people bring to a command: prompts and reward functions of their own.

`--prompts FILE` and `--rewards FILE.py` do what the Prompts and Rewards pages do with their
suggestions left as they are: they store immutable sets, which the run then names.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rft_core.config import RunConfig
    from rft_core.prompts import PromptSet
    from rft_core.rewards.contract import RewardSet

PromptsFile = Annotated[
    Path | None,
    typer.Option("--prompts", metavar="FILE", help="Rows for the task: CSV, JSONL, Parquet."),
]
RewardsFile = Annotated[
    Path | None,
    typer.Option(
        "--rewards", metavar="FILE.py", help="Reward functions that replace the task's own."
    ),
]


def with_own_files(
    folder: Path, config: RunConfig, prompts: Path | None, rewards: Path | None
) -> RunConfig:
    """Both files are read before either is stored; the configuration then names the sets."""
    from rft_core.jobs import store_prompt_set
    from rft_core.store.index import ensure_reward_set, open_index

    prompt_set = read_prompts(prompts, config) if prompts else None
    reward_set = read_rewards(rewards) if rewards else None
    changes = {}
    with open_index(folder) as index:
        if prompt_set:
            changes["prompt_set"] = store_prompt_set(index, prompt_set)
        if reward_set:
            id, name = reward_set.id, reward_set.name
            ensure_reward_set(index, id=id, name=name, content=reward_set.to_json())
            changes["reward_set"] = id
    return config.model_copy(update=changes)


def read_prompts(path: Path, config: RunConfig) -> PromptSet:
    """The task's template over the columns that look like its fields; a fifth is for validation."""
    from rft_core.prompts import ColumnMapping, import_table, read_table, suggest_mapping
    from rft_core.tasks import get_task

    task, table = get_task(config.task), read_table(path)
    return import_table(
        table,
        name=path.stem,
        template=task.template,
        mapping=ColumnMapping(suggest_mapping(table, task.fields)),
        fields=task.fields,
        task=task.name,
        seed=config.seed,
    )


def read_rewards(path: Path) -> RewardSet:
    """Every reward function of a Python file."""
    from rft_core.errors import BadInputError, NotFoundError
    from rft_core.rewards.python_source import reward_set_from_source

    try:
        return reward_set_from_source(path.read_text(encoding="utf-8-sig"), path.stem)
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file '{path}'") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"'{path}' cannot be read", str(error)) from error
