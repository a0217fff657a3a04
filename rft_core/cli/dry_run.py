"""The command dry-run: sample, score, predict the first step, and keep the prompts that teach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rft_core.cli.dry_run_report import as_document, print_report
from rft_core.cli.file_options import RewardsFile, choose_rewards, read_prompts
from rft_core.cli.output import (
    AsJson,
    Assignments,
    end_progress,
    print_json,
    runs_dir,
    show_progress,
)
from rft_core.cli.tasks import TaskName

if TYPE_CHECKING:
    from rft_core.config import RunConfig
    from rft_core.data import PromptSet
    from rft_core.diagnosis.preflight.prompts import PassRule
    from rft_core.dry_run import DryRun
    from rft_core.rewards.contract import RewardSet
    from rft_core.types import Problem


OwnPrompts = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Rows or chats of your own: CSV, JSON, Parquet.")
]


def register(app: typer.Typer) -> None:
    app.command("dry-run")(dry_run)


def dry_run(
    task: TaskName,
    *,
    model: Annotated[str | None, typer.Option(help="Default: the embedded model.")] = None,
    num_prompts: Annotated[int, typer.Option("--prompts", min=1, help="Prompts to try.")] = 8,
    num_generations: Annotated[
        int | None, typer.Option("--completions", min=2, help="Completions per prompt.")
    ] = None,
    prompts_file: OwnPrompts = None,
    rewards: RewardsFile = None,
    solved: Annotated[
        str | None,
        typer.Option(
            metavar="FUNCTION=SCORE",
            help="From which score on a completion counts as right; reward=SCORE for the sum.",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Store the prompts neither too hard nor too easy as a set."
        ),
    ] = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
) -> int:
    """Sample, score, and predict the first training step. Exit code 1: it could not learn."""
    from rft_core.config import make_config, parse_assignments
    from rft_core.dry_run import choose_rows
    from rft_core.dry_run import dry_run as sample_and_score

    given = {"model": model, "num_generations": num_generations}
    values = {name: value for name, value in given.items() if value is not None}
    config = make_config({"task": task} | values | parse_assignments(assignments or []))
    reward_set = choose_rewards(rewards, task) if rewards else _get_rewards(config)
    own = read_prompts(prompts_file, config) if prompts_file else None
    prompt_set = own or _get_prompts(config, num_prompts)
    rows = choose_rows(prompt_set.train_rows, num_prompts, config.seed)
    result = sample_and_score(
        runs_dir(),
        config,
        reward_set,
        rows,
        prompt_set.prompts(rows),
        pass_rule=_read_pass_rule(solved, reward_set.names) if solved else None,
        on_progress=show_progress,
    )
    end_progress()
    result = result.with_warnings(_check_rows(config, reward_set, prompt_set))
    kept = _keep(prompt_set, result, keep) if keep else None
    if as_json:
        about = {"task": task, "model": config.model}
        more = {"kept": {"prompt_set": kept.id, "prompts": len(kept.train_rows)}} if kept else {}
        print_json(about | as_document(result) | more)
    else:
        print_report(result)
        if kept:
            print(f"Kept {len(kept.train_rows)} prompts: --set prompt_set={kept.id}")
    return 0 if result.preflight.can_learn else 1


def _get_rewards(config: RunConfig) -> RewardSet:
    from rft_core.jobs.pinning import find_rewards
    from rft_core.store.index import open_index
    from rft_core.tasks import get_task

    with open_index(runs_dir()) as index:
        found = find_rewards(index, config) if config.reward_set is not None else None
    return found or get_task(config.task).reward_set


def _get_prompts(config: RunConfig, count: int) -> PromptSet:
    """The stored set, or as many of the task's own prompts as are tried."""
    from rft_core.data import PromptSet
    from rft_core.jobs.pinning import make_task_prompt_set
    from rft_core.store.index import open_index
    from rft_core.store.sets import get_set

    if config.prompt_set is None:
        return make_task_prompt_set(config.model_copy(update={"num_prompts": count}))
    with open_index(runs_dir()) as index:
        return PromptSet.from_json(get_set(index, "prompts", config.prompt_set).content)


def _check_rows(config: RunConfig, rewards: RewardSet, prompts: PromptSet) -> list[Problem]:
    """What nothing can score among all rows of the set, not only those that were tried."""
    from rft_core.tasks.row_check import check_prompt_set

    found = check_prompt_set(prompts, rewards, config.gold_column)
    return found.list_problems() if found else []


def _read_pass_rule(text: str, names: Sequence[str]) -> PassRule:
    from rft_core.diagnosis.preflight.prompts import PassRule
    from rft_core.errors import BadInputError

    function, _, score = text.rpartition("=")
    try:
        threshold = float(score)
    except ValueError:
        function = ""
    if function == "reward":
        return PassRule("", threshold)
    if function not in names:
        raise BadInputError(
            f"'{text}' does not say when a completion counts as right",
            "",
            f"Write FUNCTION=SCORE with one of {', '.join((*names, 'reward'))}",
        )
    return PassRule(function, threshold)


def _keep(prompt_set: PromptSet, result: DryRun, name: str) -> PromptSet:
    from rft_core.diagnosis.preflight.prompts import keep_prompts
    from rft_core.jobs.pinning import store_prompt_set
    from rft_core.store.index import open_index

    rates = result.preflight.pass_rates
    rows = [result.rows[index] for index in rates.between] if rates else []
    kept = keep_prompts(prompt_set, rows, name)
    with open_index(runs_dir()) as index:
        store_prompt_set(index, kept)
    return kept
