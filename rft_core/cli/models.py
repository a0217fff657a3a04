"""Commands about models: bring one in from another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rft_core.cli.output import AsJson, note, print_json


def register(app: typer.Typer) -> None:
    models = typer.Typer(help="Bring base models in.", rich_markup_mode=None)
    models.command("import")(import_model)
    app.add_typer(models, name="models")


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
