"""The command report: a run as one HTML file, to be sent to somebody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rft_core.cli.output import AsJson, RunId, check_targets, print_json, runs_dir
from rft_core.errors import cannot_write


def register(app: typer.Typer) -> None:
    app.command("report")(report)


def report(
    run: RunId,
    to: Annotated[Path, typer.Option("--to", metavar="FILE.html", help="Where it is written.")],
    as_json: AsJson = False,
) -> None:
    """Curves, findings, best and worst generations, rewards and settings in one HTML file."""
    from rft_core.jobs.reporting import make_report

    folder = runs_dir()
    check_targets(to)
    text = make_report(folder, run)
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise cannot_write(to, error, "Choose another file") from error
    if as_json:
        print_json({"run": run, "file": str(to), "bytes": len(text.encode())})
    else:
        print(f"{to}: {len(text.encode()) / 1000:,.0f} kB, opens in any browser")
