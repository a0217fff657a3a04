"""Commands about tuned models: evaluate and export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rft_core.cli.output import (
    AsJson,
    RunId,
    end_progress,
    note,
    print_facts,
    print_json,
    print_table,
    runs_dir,
    show_progress,
)


def register(app: typer.Typer) -> None:
    app.command("evaluate")(evaluate)
    app.command("export")(export)


def evaluate(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Compared with the base.")],
    *,
    task: Annotated[str | None, typer.Option(help="Another task than the run's own.")] = None,
    k: Annotated[int, typer.Option("--k", min=1, help="Samples per prompt, for pass@k.")] = 1,
    num_prompts: Annotated[int, typer.Option("--prompts", min=1, help="Held-out prompts.")] = 200,
    vote: Annotated[bool, typer.Option("--vote", help="Add the majority vote of k.")] = False,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Base and tuned models on held-out rows: pass@1, pass@k, intervals, differences."""
    from rft_core.evaluation.run_evaluation import plan_evaluation, run_evaluation

    plan = plan_evaluation(runs_dir(), runs, task=task, num_prompts=num_prompts, seed=seed)
    results = run_evaluation(
        plan, k=k, vote=vote, on_progress=lambda _, progress: show_progress(progress)
    )
    end_progress()
    rows = [result.to_row() for result in results]
    if as_json:
        print_json({"rows": rows, "about": plan.describe()})
        return
    note(plan.describe())
    columns = list(dict.fromkeys(column for row in rows for column in row))
    print_table(columns, [[_cell(row.get(column)) for column in columns] for row in rows])


def export(
    run: RunId,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A folder that is not there.")],
    merged: Annotated[bool, typer.Option("--merged", help="The whole model, not LoRA.")] = False,
    step: Annotated[int | None, typer.Option(help="Its checkpoint; default: the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the adapter (or merged model) with its model card and a manifest of hashes."""
    from rft_core.export import export_run

    result = export_run(runs_dir(), run, to, merged=merged, step=step)
    if as_json:
        print_json({"run": run} | result.to_json())
    else:
        print_facts({"exported to": result.folder, "files": ", ".join(result.files)})
        print_facts(result.proof)


def _cell(value: object) -> object:
    if isinstance(value, list):
        return "–".join(f"{item:.3f}" for item in value)
    return value
