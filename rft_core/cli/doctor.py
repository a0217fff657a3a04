"""The command doctor: what is wrong with a run, the arithmetic that shows it, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from rft_core.cli.output import AsJson, RunId, print_json, runs_dir

if TYPE_CHECKING:
    from pathlib import Path

    from rft_core.jobs.judging.judge import RunJudgement
    from rft_core.store.state.status import RunStatus


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(run: RunId, as_json: AsJson = False) -> None:
    """What is wrong with a run: each finding with its evidence, its cure and what shows it."""
    from rft_core.cli.dry_run_report import finding_document, print_findings
    from rft_core.store.index import open_index
    from rft_core.store.state.status import get_run_status

    folder = runs_dir()
    with open_index(folder) as index:
        status = get_run_status(index, folder, run)
    findings = judge(folder, status).findings
    if as_json:
        print_json({"findings": [finding_document(finding) for finding in findings]})
    elif not findings:
        print(f"{run}: nothing is wrong, as far as {status.step} steps can say.")
    else:
        print_findings(findings)


def judge(folder: Path, status: RunStatus) -> RunJudgement:
    """Nothing of a run that has not begun or cannot be read: its state and message say so."""
    from rft_core.errors import NotFoundError, UnreadableRunError
    from rft_core.figures import Curves, extend_curves
    from rft_core.jobs.judging.judge import RunJudgement, judge_run
    from rft_core.store.run_reader import metrics_frame, open_run

    try:
        with open_run(folder, status.run.id) as db:
            curves = extend_curves(Curves(), metrics_frame(db))
        return judge_run(folder, status.run, status.step, curves)
    except (NotFoundError, UnreadableRunError):
        return RunJudgement()
