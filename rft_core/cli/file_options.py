"""Files that people bring to a command: prompts and reward functions of their own.

`--prompts FILE` and `--rewards FILE` do what the Prompts and Rewards pages do with their
suggestions left as they are: they store immutable sets, which the run then names. A rewards file is
Python (.py), an OpenAI grader (.json), or `module:function`; in its place may stand the name of
others of the task's rewards.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rft_core.cli.output import note
from rft_core.errors import cannot_read

if TYPE_CHECKING:
    from rft_core.config import RunConfig
    from rft_core.data import PromptSet, Table
    from rft_core.rewards.contract import RewardSet
    from rft_core.tasks.prompt_import import ImportPlan

PromptsFile = Annotated[
    Path | None,
    typer.Option("--prompts", metavar="FILE", help="Rows for the task: CSV, JSONL, Parquet."),
]
RewardsFile = Annotated[
    Path | None,
    typer.Option(
        "--rewards",
        metavar="FILE|NAME",
        help="Rewards that replace the task's own: Python, OpenAI grader JSON, module:function, or "
        "others of the task's by name; see `tasks`.",
    ),
]


def with_own_files(
    folder: Path, config: RunConfig, prompts: Path | None, rewards: Path | None
) -> RunConfig:
    """Both files are read before either is stored; the configuration then names the sets."""
    from rft_core.jobs.pinning import store_prompt_set
    from rft_core.store.index import open_index

    prompt_set = read_prompts(prompts, config) if prompts else None
    reward_set = choose_rewards(rewards, config.task) if rewards else None
    changes = {}
    if prompt_set:
        with open_index(folder) as index:
            changes["prompt_set"] = store_prompt_set(index, prompt_set)
    if reward_set:
        store_rewards(folder, reward_set)
        changes["reward_set"] = reward_set.id
    return config.model_copy(update=changes)


def read_prompts(path: Path, config: RunConfig) -> PromptSet:
    """The task's template over the columns that look like its fields; a fifth is for validation."""
    from rft_core.data import read_table
    from rft_core.tasks.prompt_import import adopt_prompts, suggest_plan

    adopted = adopt_prompts(read_table(path), config.task)
    for words in filter(None, (adopted.notice, adopted.remark)):
        note(words)
    plan = suggest_plan(adopted.table, config.task)
    check_columns(plan, adopted.table, path)
    return replace(plan, seed=config.seed).build(adopted.table, path.stem)


def check_columns(plan: ImportPlan, table: Table, path: Path) -> None:
    """Raise `BadInputError`, with the command that helps, for a field that no column looks like."""
    from rft_core.data.nested import list_columns
    from rft_core.errors import BadInputError
    from rft_core.tasks.prompt_import import get_fields

    chosen = plan.mapping.columns
    missing = [f.name for f in get_fields(plan.task) if f.required and f.name not in chosen]
    if missing:
        maps = " ".join(f"--map {name}=COLUMN" for name in missing)
        raise BadInputError(
            f"No column is chosen for the field '{missing[0]}'",
            f"The columns are {', '.join(list_columns(table)):.500}",
            f"Choose: prompts import {path.name} --task {plan.task} {maps}",
        )


def choose_rewards(which: Path, task: str) -> RewardSet:
    """Others of the task's rewards by name, else those of a file."""
    from rft_core.tasks import TASKS

    others = TASKS[task].other_rewards if task in TASKS else {}
    return others[str(which)].rewards if str(which) in others else read_rewards(which)


def read_rewards(path: Path, name: str = "") -> RewardSet:
    """Every reward function of a Python file, those of one that are named behind a colon
    (`rewards.py:length`, `my.module:length`), or the grader that a JSON file holds."""
    from rft_core.rewards.exchange.named_functions import read_named_functions, split_name
    from rft_core.rewards.exchange.reward_files import read_reward_file

    if (named := split_name(str(path))) and not path.exists():
        imported = read_named_functions(*named)
    else:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise cannot_read(path, error) from error
        imported = read_reward_file(path.name, text)
    for remark in imported.remarks:
        note(remark)
    return replace(imported.rewards, name=name or imported.rewards.name)


def store_rewards(folder: Path, rewards: RewardSet) -> int:
    """Its version; the same rewards are stored once."""
    from rft_core.store.index import open_index
    from rft_core.store.sets import ensure_set

    with open_index(folder) as index:
        return ensure_set(
            index, "rewards", id=rewards.id, name=rewards.name, content=rewards.to_json()
        )


def find_rewards(folder: Path, which: str) -> RewardSet:
    """The stored set of that id, or those of a file, which are stored then."""
    from rft_core.rewards.contract import RewardSet
    from rft_core.rewards.exchange.named_functions import split_name
    from rft_core.store.index import open_index
    from rft_core.store.sets import get_set

    if Path(which).suffix in (".py", ".json") or split_name(which):
        rewards = read_rewards(Path(which))
        store_rewards(folder, rewards)
        return rewards
    with open_index(folder) as index:
        return RewardSet.from_json(get_set(index, "rewards", which).content)
