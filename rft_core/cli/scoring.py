"""Commands about tasks and rewards: tasks, sets, score, dry-run, sandbox. No run is touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rft_core.cli.output import (
    AsJson,
    Assignments,
    end_progress,
    note,
    print_json,
    print_table,
    printable,
    runs_dir,
    show_progress,
)
from rft_core.cli.own_files import RewardsFile, read_rewards

if TYPE_CHECKING:
    from rft_core.evaluation.dry_run import DryRun
    from rft_core.tasks.task import Task

TaskName = Annotated[str, typer.Argument(metavar="TASK", help="A built-in task; see `tasks`.")]


def register(app: typer.Typer) -> None:
    app.command("tasks")(tasks)
    app.command("sets")(sets)
    app.command("score")(score)
    app.command("dry-run")(dry_run)
    app.command("sandbox")(sandbox)


def tasks(as_json: AsJson = False) -> None:
    """The built-in tasks with their row columns and reward names."""
    from rft_core.tasks import TASKS

    if as_json:
        print_json({"tasks": [_task_as_json(task) for task in TASKS.values()]})
        return
    rows = [
        (
            task.name,
            ", ".join(f"{name}: {kind}" for name, kind in task.columns.items()),
            ", ".join(task.reward_set.names),
            task.description,
        )
        for task in TASKS.values()
    ]
    print_table(("task", "row columns", "rewards", "description"), rows)


def sets(as_json: AsJson = False) -> None:
    """The stored prompt and reward sets, which `--set prompt_set=` and `reward_set=` name."""
    from rft_core.store.index import list_prompt_sets, list_reward_sets, open_index

    with open_index(runs_dir()) as index:
        prompts, rewards = list_prompt_sets(index), list_reward_sets(index)
    if as_json:
        print_json({"prompt_sets": prompts, "reward_sets": rewards})
        return
    rows = [("prompt_set", s["id"], s["name"], f"{s['num_rows']:,} rows") for s in prompts]
    rows += [("reward_set", s["id"], s["name"], f"version {s['version']}") for s in rewards]
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
        read_rewards(rewards) if rewards else chosen.reward_set,
        chosen.prompt,
        chosen.check_row,
    )
    for failure in failures:
        note(f"{failure.name}: {failure.error}")
    with output.open(encoding="utf-8") as lines:
        count = sum(1 for _ in lines)
    if as_json:
        found = [{"function": report.name, "error": report.error} for report in failures]
        print_json({"scored": count, "output": str(output), "failures": found})
    else:
        print(f"{count} completions scored into {output}")


def dry_run(
    task: TaskName,
    *,
    model: Annotated[str | None, typer.Option(help="Default: the embedded model.")] = None,
    num_prompts: Annotated[int, typer.Option("--prompts", min=1, help="Prompts to try.")] = 8,
    num_generations: Annotated[
        int | None, typer.Option("--completions", min=2, help="Completions per prompt.")
    ] = None,
    rewards: RewardsFile = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
) -> int:
    """Sample, score, and say whether training could learn. Exit code 1: it could not."""
    from rft_core.config import make_config, parse_assignments
    from rft_core.evaluation.dry_run import dry_run as sample_and_score
    from rft_core.tasks import get_task

    chosen = get_task(task)
    given = {"model": model, "num_generations": num_generations}
    values = {name: value for name, value in given.items() if value is not None}
    config = make_config({"task": task} | values | parse_assignments(assignments or []))
    rows, _ = chosen.load(num_prompts, 0, config.seed)
    result = sample_and_score(
        runs_dir(),
        config,
        read_rewards(rewards) if rewards else chosen.reward_set,
        rows,
        [chosen.prompt(row) for row in rows],
        on_progress=show_progress,
    )
    end_progress()
    if as_json:
        print_json({"task": task, "model": config.model} | _dry_run_as_json(result))
    else:
        _print_dry_run(result)
    return 0 if result.preflight.can_learn else 1


def sandbox(as_json: AsJson = False) -> int:
    """Try to break out of the sandbox for reward code, and say how well it holds: A, B, C or not.

    Exits with 1 where it does not: rewards that are code are refused then.
    """
    from dataclasses import asdict

    from rft_core.sandbox.tiers import TIERS, inspect

    report = inspect()
    if as_json:
        print_json({"tier": report.tier, "probes": [asdict(probe) for probe in report.probes]})
    else:
        columns = ("attempt", "layer", "held", "how")
        rows = [(p.name, p.layer, "yes" if p.held else "NO", p.detail) for p in report.probes]
        print_table(columns, rows)
        if report.tier:
            print(f"Tier {report.tier}: {', '.join(sorted(TIERS[report.tier]))}.")
        else:
            print("No tier: reward functions in Python and regular expressions are refused here.")
    return 0 if report.tier else 1


def _task_as_json(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "title": task.title,
        "description": task.description,
        "columns": task.columns,
        "rewards": list(task.reward_set.names),
    }


def _dry_run_as_json(result: DryRun) -> dict[str, Any]:
    from dataclasses import asdict

    from rft_core.rewards.scoring_file import as_json

    size = len(result.groups[0])
    verdict = result.preflight
    groups = []
    for number, (row, prompt, group) in enumerate(
        zip(result.rows, result.prompts, result.groups, strict=True)
    ):
        first = number * size
        completions = [
            {
                "completion": completion.text,
                "truncated": completion.truncated,
                "advantage": result.advantages[first + i],
                **as_json(result.scoring.samples[first + i]),
            }
            for i, completion in enumerate(group)
        ]
        groups.append({"row": row, "prompt": prompt, "completions": completions})
    return {
        "can_learn": verdict.can_learn,
        "mean_reward": verdict.mean_reward,
        "zero_variance": verdict.zero_variance,
        "truncated": verdict.truncated,
        "functions": [asdict(function) for function in verdict.functions],
        "warnings": [asdict(warning) for warning in verdict.warnings],
        "groups": groups,
    }


def _print_dry_run(result: DryRun) -> None:
    size, names = len(result.groups[0]), [report.name for report in result.scoring.reports]
    for number, group in enumerate(result.groups):
        print(printable(f"Prompt {number}: {dict(result.rows[number])}"))
        rows = []
        for i, completion in enumerate(group):
            sample = result.scoring.samples[number * size + i]
            scores = [sample.scores[name] for name in names]
            advantage = f"{result.advantages[number * size + i]:+.2f}"
            text = " ".join(completion.text.split())[:80]
            rows.append((*scores, sample.reward, advantage, text))
        print_table((*names, "reward", "advantage", "completion"), rows)
    verdict = result.preflight
    columns = ("function", "mean", "lowest", "highest", "unscored", "seconds")
    print_table(
        columns,
        [(f.name, f.mean, f.lowest, f.highest, f.unscored, f.seconds) for f in verdict.functions],
    )
    print(
        f"Groups without a gradient: {verdict.zero_variance:.0%}. Cut off: {verdict.truncated:.0%}."
    )
    for warning in verdict.warnings:
        print(f"{warning.severity}: {warning.message}")
    print("Training can learn from this." if verdict.can_learn else "Training cannot learn yet.")
