"""What can be asked for: tasks, sets, settings; and score and sandbox. No run is touched."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rft_core.cli.file_options import RewardsFile, choose_rewards
from rft_core.cli.output import (
    AsJson,
    note,
    print_json,
    print_table,
    runs_dir,
)
from rft_core.errors import RftError

if TYPE_CHECKING:
    from rft_core.tasks.task import Task

Method = Annotated[
    str | None, typer.Argument(metavar="METHOD", help="Only what this method reads.")
]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="A built-in task; see `tasks`.")]


def register(app: typer.Typer) -> None:
    app.command("tasks")(tasks)
    app.command("sets")(sets)
    app.command("settings")(settings)
    app.command("score")(score)
    app.command("sandbox")(sandbox)


def tasks(
    as_json: AsJson = False,
    check: Annotated[bool, typer.Option(help="Prove that gold answers earn full rewards.")] = False,
) -> None:
    """The built-in tasks with their row columns and reward names."""
    from rft_core.tasks import TASKS

    if check:
        _check_tasks(TASKS.values())
        return
    if as_json:
        print_json({"tasks": [_task_as_json(task) for task in TASKS.values()]})
        return
    rows = [
        (
            task.name,
            ", ".join(f"{name}: {kind}" for name, kind in task.columns.items()),
            _describe_rewards(task),
            task.description,
        )
        for task in TASKS.values()
    ]
    print_table(("task", "row columns", "rewards", "description"), rows)


def _describe_rewards(task: Task) -> str:
    """The functions of its own set, then the names of others: `--rewards NAME`."""
    return "; or ".join([", ".join(task.reward_set.names), *task.other_rewards])


def _check_tasks(tasks: Iterable[Task]) -> None:
    """One line for each task; ends with 1 where a gold answer falls short of the full reward."""
    problems = {}
    for task in tasks:
        try:
            task.validate()
        except RftError as error:
            problems[task.name] = error
        print(f"{task.name}: {problems.get(task.name, 'gold answers earn the full reward')}")
    if problems:
        raise typer.Exit(1)


def sets(as_json: AsJson = False) -> None:
    """The stored sets of prompts, rewards and pairs, as `--set prompt_set=` names them.

    Rewards that come with a task, beside its own, are named as well: with that task alone.
    """
    from rft_core.store.index import open_index
    from rft_core.store.sets import list_sets
    from rft_core.tasks import TASKS

    with open_index(runs_dir()) as index:
        prompts, rewards = list_sets(index, "prompts"), list_sets(index, "rewards")
        pairs = list_sets(index, "pairs")
    others = [
        {"task": task.name, "name": name, "about": other.about}
        for task in TASKS.values()
        for name, other in task.other_rewards.items()
    ]
    if as_json:
        print_json({"prompt_sets": prompts, "reward_sets": rewards, "pair_sets": pairs,
                    "task_rewards": others})  # fmt: skip
        return
    rows = [("prompt_set", s["id"], s["name"], f"{s['num_rows']:,} rows") for s in prompts]
    rows += [("reward_set", s["id"], s["name"], f"version {s['version']}") for s in rewards]
    rows += [("reward_set", o["name"], f"{o['task']}: {o['about']}", "built in") for o in others]
    rows += [("pair_set", s["id"], s["name"], f"{s['num_rows']:,} pairs") for s in pairs]
    print_table(("setting", "id", "name", ""), rows)


def score(
    task: TaskName,
    source: Annotated[Path, typer.Option("--input", metavar="F.jsonl", help="Rows, completions.")],
    output: Annotated[Path, typer.Option("--output", metavar="G.jsonl", help="Where to write.")],
    rewards: RewardsFile = None,
    as_json: AsJson = False,
) -> None:
    """Score a file of completions, a line each, in order."""
    from rft_core.rewards.scoring_file import score_file
    from rft_core.tasks import get_task

    chosen = get_task(task)
    failures = score_file(
        source,
        output,
        choose_rewards(rewards, task) if rewards else chosen.reward_set,
        chosen.prompt,
        chosen.check_row,
    )
    for failure in failures:
        note(f"{failure.name}: {failure.error}")
    with output.open(encoding="utf-8") as lines:
        scored = [json.loads(line) for line in lines]
    count = len(scored)
    for text in _list_unscored(scored):
        note(text)
    if as_json:
        found = [{"function": report.name, "error": report.error} for report in failures]
        print_json({"scored": count, "output": str(output), "failures": found})
    else:
        print(f"{count} completions scored into {output}")


def _list_unscored(scored: list[dict[str, Any]]) -> list[str]:
    """Of each function that left completions unscored how many, and why the first of them."""
    reasons: dict[str, list[str]] = {}
    for line in scored:
        for name, value in line["scores"].items():
            if value is None:
                reasons.setdefault(name, []).append(line["reasons"][name])
    return [
        f"{name} left {len(found):,} of {len(scored):,} completions unscored: {found[0]}"
        for name, found in reasons.items()
    ]


def sandbox(as_json: AsJson = False) -> int:
    """Try to break out of the sandbox for reward code, and say how well it holds: A, B, C or not.

    Exits with 1 where it does not: rewards that run code are refused then.
    """
    from dataclasses import asdict

    from rft_core.sandbox.tiers import REFUSAL, TIERS, inspect

    report = inspect()
    if as_json:
        print_json({"tier": report.tier, "probes": [asdict(probe) for probe in report.trials]})
    else:
        columns = ("attempt", "layer", "held", "how")
        rows = [(p.name, p.layer, "yes" if p.held else "NO", p.detail) for p in report.trials]
        print_table(columns, rows)
        if report.tier:
            print(f"Tier {report.tier}: {', '.join(sorted(TIERS[report.tier]))}.")
        else:
            print(f"No tier: code cannot be locked in on this machine. {REFUSAL}.")
    return 0 if report.tier else 1


def _task_as_json(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "title": task.title,
        "description": task.description,
        "columns": task.columns,
        "rewards": list(task.reward_set.names),
        "other_rewards": {
            name: {"about": other.about, "rewards": list(other.rewards.names)}
            for name, other in task.other_rewards.items()
        },
    }


def settings(method: Method = None, *, as_json: AsJson = False) -> None:
    """Every setting for --set and YAML, with its default, and the recipes for --set stages=."""
    from rft_core.config import RECIPES, RunConfig, get_method, uses, write_setting

    chosen = get_method(method) if method else None
    config = RunConfig(method=chosen.name) if chosen else RunConfig()
    rows = [
        (name, write_setting(getattr(config, name)), field.description)
        for name, field in RunConfig.model_fields.items()
        if chosen is None or uses(chosen, name)
    ]
    if as_json:
        told = [{"name": name, "default": default, "help": help} for name, default, help in rows]
        print_json({"settings": told, "recipes": RECIPES})
        return
    print_table(("setting", "default", "what it is"), rows)
    print()
    print_table(("recipe", "its stages"), list(RECIPES.items()))
