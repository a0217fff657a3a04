"""The command `settings`: what a run can be told, what it does by default, and the recipes."""

from __future__ import annotations

from typing import Annotated

import typer

from rft_core.cli.output import AsJson, print_json, print_table

Method = Annotated[
    str | None, typer.Argument(metavar="METHOD", help="Only what this method reads.")
]


def register(app: typer.Typer) -> None:
    app.command("settings")(settings)


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
