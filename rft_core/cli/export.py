"""The command export: take a run's adapter or merged model away, and push it to the hub."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rft_core.cli.output import (
    AsJson,
    RunId,
    end_progress,
    interruptible,
    print_facts,
    print_json,
    runs_dir,
)


def register(app: typer.Typer) -> None:
    app.command("export")(export)


def export(
    run: RunId,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A folder that is not there.")],
    *,
    merged: Annotated[bool, typer.Option("--merged", help="The whole model, not LoRA.")] = False,
    step: Annotated[int | None, typer.Option(help="Its checkpoint; default: the newest.")] = None,
    push: Annotated[
        str,
        typer.Option(metavar="OWNER/NAME", help="Upload it to the hub too; reads HF_TOKEN."),
    ] = "",
    public: Annotated[
        bool, typer.Option("--public", help="Everybody may see what is made there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the adapter (or merged model) with its model card and a manifest of hashes."""
    from rft_core.export import carry_out
    from rft_core.store.exports import ExportRequest

    request = ExportRequest(run, str(to.expanduser().absolute()), merged, step, push, public)
    with interruptible():
        result = carry_out(runs_dir(), request, _show_progress)
    end_progress()
    if as_json:
        print_json({"run": run} | result.to_json())
        return
    print_facts({"exported to": result.folder, "files": ", ".join(result.files)})
    print_facts(result.proof)
    if result.pushed_to:
        print_facts({"pushed to": result.pushed_to})


def _show_progress(share: float, doing: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{share:4.0%} {doing}", end="", file=sys.stderr, flush=True)
