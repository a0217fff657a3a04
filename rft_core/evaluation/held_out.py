"""Which rows runs are evaluated on, how these are asked, and what judges the completions.

A built-in task draws fresh rows and leaves out what any of the runs (or the runs that they were
forked from) has seen; it asks them through the template that the runs were trained with. Where a
task brings no rows that fit, the validation rows of the first run's prompt set are taken: never
trained on, but looked at during training. Samples nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rft_core.data import PromptSet, PromptTemplate
from rft_core.errors import BadInputError, NotFoundError
from rft_core.evaluation.results import RowSource
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, get_run
from rft_core.store.sets import get_set
from rft_core.store.sqlite.without_pandas import Database
from rft_core.tasks import TASKS, get_task
from rft_core.tasks.task import Task
from rft_core.types import Message, Row

HELD_OUT_PROMPTS = 200
MOST_PROMPTS = 10_000


@dataclass(frozen=True)
class HeldOut:
    """What all contenders are asked, and what judges their completions."""

    task: str
    source: RowSource
    rows: Sequence[Row]
    prompts: Sequence[list[Message]]
    reward_set: RewardSet


@dataclass(frozen=True)
class _Pinned:
    """What the runs were trained with: `own` in their order, `seen` also by their ancestors.

    A run that learns from pairs may have no prompts of its own, one that imitates no rewards.
    """

    own: tuple[PromptSet, ...]
    seen: tuple[PromptSet, ...]
    rewards: RewardSet | None  # of the first run that has any


def find_held_out(
    runs_dir: Path,
    runs: Sequence[RunRow],
    *,
    task: str | None = None,
    num_prompts: int = HELD_OUT_PROMPTS,
    seed: int = 0,
) -> HeldOut:
    """The rows, prompts and rewards on which these runs can be compared.

    `task` asks for another built-in task than the runs' own. Raises `BadInputError` where the runs
    have no task or no prompt template in common, or where there are not so many rows.
    """
    if not 1 <= num_prompts <= MOST_PROMPTS:
        raise BadInputError(
            f"{num_prompts:,} prompts cannot be evaluated", "", f"Ask for 1 to {MOST_PROMPTS:,}"
        )
    name = task or _get_common_task(runs)
    own = get_task(name) if task else TASKS.get(name)
    with open_index(runs_dir) as index:
        pinned = _read_pinned(index, runs)
    if own and own.make_rows and (task or all(_is_drawn(own, prompts) for prompts in pinned.own)):
        return _draw_rows(own, pinned, num_prompts, seed)
    if name != runs[0].config.task:
        raise BadInputError(
            f"The task '{name}' brings no rows of its own", "", "Evaluate a run of that task"
        )
    return _take_validation_rows(name, own, pinned, num_prompts)


def _get_common_task(runs: Sequence[RunRow]) -> str:
    tasks = {run.id: run.config.task for run in runs}
    if len(set(tasks.values())) > 1:
        listed = ", ".join(f"{task} ({run})" for run, task in tasks.items())
        raise BadInputError(
            "These runs cannot be compared",
            f"They were trained on different tasks: {listed}",
            "Evaluate them one by one, or name one task for all with --task",
        )
    return runs[0].config.task


def _read_pinned(index: Database, runs: Sequence[RunRow]) -> _Pinned:
    def read(prompt_set: str) -> PromptSet:
        return PromptSet.from_json(get_set(index, "prompts", prompt_set).content)

    own = [run.config.prompt_set for run in runs if run.config.prompt_set]
    lineages = [line for run in runs for line in _list_lineage(index, run)]
    seen = dict.fromkeys(line.config.prompt_set for line in lineages if line.config.prompt_set)
    reward_set = next((run.config.reward_set for run in runs if run.config.reward_set), None)
    return _Pinned(
        tuple(map(read, own)),
        tuple(map(read, seen)),
        RewardSet.from_json(get_set(index, "rewards", reward_set).content) if reward_set else None,
    )


def _list_lineage(index: Database, run: RunRow) -> Iterator[RunRow]:
    """The run, the run that it was forked from, and so on, as far as they are still known."""
    yield run
    while run.parent_run is not None:
        try:
            run = get_run(index, run.parent_run)
        except NotFoundError:
            return
        yield run


def _fits(task: Task, prompts: PromptSet) -> bool:
    """Whether the set holds rows of this task, and its template needs nothing else."""
    try:
        task.check_row(prompts.rows[0])
        prompts.template.render(task.example_row)
    except BadInputError:
        return False
    return True


def _is_drawn(task: Task, prompts: PromptSet) -> bool:
    """Whether the task's own held-out rows test what was trained: uploads may be another test."""
    is_made = task.is_made or (lambda row: True)
    return _fits(task, prompts) and is_made(prompts.rows[0])


def _draw_rows(task: Task, pinned: _Pinned, num_prompts: int, seed: int) -> HeldOut:
    """Fresh rows, none of which was trained on or used for validation."""
    template = _get_common_template([p for p in pinned.own if _fits(task, p)]) or task.template
    without = {
        task.row_key(row) for prompts in pinned.seen if _fits(task, prompts) for row in prompts.rows
    }
    rows = task.held_out(num_prompts, seed, without)
    asked = [template.render(row) for row in rows]
    return HeldOut(task.name, "held-out", rows, asked, task.reward_set)


def _take_validation_rows(
    name: str, task: Task | None, pinned: _Pinned, num_prompts: int
) -> HeldOut:
    """Of the first run's set; what any other run has trained on is left out."""
    if not pinned.own:
        raise BadInputError(
            "There are no rows to evaluate on",
            f"None of the runs has prompts, and the task '{name}' brings none",
            "Name a task that brings rows with --task",
        )
    first = pinned.own[0]
    _get_common_template(pinned.own)
    trained = {_content(row) for prompts in pinned.seen for row in prompts.train_rows}
    rows = [row for row in first.validation_rows if _content(row) not in trained][:num_prompts]
    if not rows:
        raise BadInputError(
            "There are no rows to evaluate on",
            f"The prompt set '{first.name}' has no validation row that no run was trained on",
            "Import it again with a larger validation share",
        )
    rewards = task.reward_set if task and _fits(task, first) else pinned.rewards
    if rewards is None:
        raise BadInputError(
            "Nothing says which completions are right",
            f"The run has no reward set, and its prompts ('{first.name}') are no built-in task's",
            "Choose a reward set when you train on them: SFT uses it for validation alone",
        )
    return HeldOut(name, "validation", rows, first.prompts(rows), rewards)


def _get_common_template(prompt_sets: Sequence[PromptSet]) -> PromptTemplate | None:
    """None for no prompt set at all."""
    templates = {prompts.template for prompts in prompt_sets}
    if len(templates) > 1:
        raise BadInputError(
            "These runs cannot be compared",
            "They were trained with different prompt templates, and each knows only its own",
            "Evaluate them one by one",
        )
    return next(iter(templates), None)


def make_row_id(row: Row) -> str:
    """The same for the same row, wherever it stands and whatever else is evaluated beside it."""
    return hashlib.sha256(_content(row).encode()).hexdigest()[:12]


def _content(row: Row) -> str:
    return json.dumps(row, sort_keys=True)
