"""The command `experiment`: train all its arms, measure them, print the report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rft_core.cli.output import (
    AsJson,
    check_targets,
    end_progress,
    interruptible,
    note,
    print_json,
    print_table,
    printable,
    runs_dir,
    show_progress,
)
from rft_core.experiments.catalog import MAKERS

if TYPE_CHECKING:
    from rft_core.errors import RftError
    from rft_core.experiments.design import Trial
    from rft_core.experiments.trials import TrialRun

Quick = Annotated[bool, typer.Option("--quick", help="Minutes; the figures then say nothing.")]


def register(app: typer.Typer) -> None:
    app.command("experiment")(experiment)


def experiment(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"One of {', '.join(MAKERS)}.")],
    *,
    quick: Quick = False,
    block: Annotated[str, typer.Option(metavar="NAME", help="This block alone.")] = "",
    show: Annotated[bool, typer.Option("--show", help="Train nothing: what is known.")] = False,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=100, help="So many; default: the experiment's.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the report to a file, too.")] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Report and figures, as .md and .json.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Run many arms on one task and one budget, and hold them against each other.

    Its runs are ordinary runs. Interrupted, it goes on where it was when it is asked for again.
    """
    from rft_core.errors import cannot_write
    from rft_core.experiments.background import hold
    from rft_core.experiments.catalog import get_experiment, narrow
    from rft_core.experiments.measuring import measure, read_findings
    from rft_core.experiments.report import list_claims, list_measured, write_report
    from rft_core.experiments.running import run_trials
    from rft_core.experiments.trials import list_trial_runs

    folder, design = runs_dir(), get_experiment(name, quick=quick)
    design = narrow(design, block) if block else design
    design = replace(design, seeds=tuple(range(seeds))) if seeds else design
    files = [to / f"{design.name}.md", to / f"{design.name}.json"] if to else []
    check_targets(markdown, *(files if to and to.exists() else [to]))
    if show:
        trials, findings = list_trial_runs(folder, design), read_findings(folder, design)
    else:
        with hold(folder, design), interruptible():
            trials = run_trials(folder, design, _show, _tell_refused)
            findings = measure(folder, design, lambda _, progress: show_progress(progress))
            end_progress()
    report = write_report(findings)
    figures = {"rows": list_measured(findings), "claims": list_claims(findings)}
    texts = dict(zip(files, (report, json.dumps(figures, indent=1)), strict=False))
    for path, text in ({markdown: report} | texts if markdown else texts).items():
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise cannot_write(path, error) from error
    if as_json:
        shown = [_as_row(trial) for trial in trials]
        print_json(figures | {"trials": shown, "report": report})
    else:
        if not all(trial.is_finished for trial in trials):
            print_table(["trial", "state", "run"], [[*_as_row(trial).values()] for trial in trials])
        if any(block.is_measured for block in findings.blocks):
            print(printable(report))
    for trial in trials:
        if trial.status and trial.status.is_in_trouble:
            note(f"{trial.trial.title} ({trial.run_id}) {trial.state}: {trial.status.message}")
    return 0 if show or all(trial.is_finished for trial in trials) else 1


def _tell_refused(trial: Trial, error: RftError) -> None:
    note(f"{trial.title} did not begin: {error}")


def _as_row(trial: TrialRun) -> dict[str, str]:
    return {"trial": trial.trial.title, "state": trial.state, "run": trial.run_id}


def _show(trials: list[TrialRun]) -> None:
    from rft_core.sampling.service.messages import LoadProgress

    done = sum(trial.is_finished for trial in trials)
    for trial in trials:
        if trial.status and trial.status.is_active:
            step = f"step {trial.status.step}/{trial.status.max_steps}"
            text = f"{done}/{len(trials)} done · {trial.trial.title} · {step}"
            show_progress(LoadProgress(text))
