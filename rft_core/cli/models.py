"""Commands that bring models in and take them away: models import, and export."""

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
    note,
    print_facts,
    print_json,
    runs_dir,
)


def register(app: typer.Typer) -> None:
    models = typer.Typer(help="Bring base models in.", rich_markup_mode=None)
    models.command("import")(import_model)
    app.add_typer(models, name="models")
    app.command("export")(export)


def import_model(
    source: Annotated[Path, typer.Argument(metavar="FILE.gguf", help="A model of llama.cpp's.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new folder for the model.")],
    as_json: AsJson = False,
) -> None:
    """Make a model folder of a GGUF file, for training: its weights as float32 safetensors."""
    from rft_core.sampling.loading.gguf_import import import_gguf

    note(f"reading {source}")
    parameters = import_gguf(source, to)
    if as_json:
        print_json({"folder": str(to), "parameters": parameters})
    else:
        print(f"{parameters:,} parameters in {to}: train on it with --set model={to}")


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
