"""Commands about rewards that are stored: import and export them, and score a run again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rft_core.cli.file_options import find_rewards, read_rewards, store_rewards
from rft_core.cli.output import (
    AsJson,
    RunId,
    interruptible,
    note,
    print_facts,
    print_json,
    runs_dir,
)

if TYPE_CHECKING:
    from rft_core.rescoring import RescoreResult

Format = Literal["openai", "python"]


def register(app: typer.Typer) -> None:
    rewards = typer.Typer(help="Bring rewards in and take them away.", rich_markup_mode=None)
    rewards.command("import")(import_rewards)
    rewards.command("export")(export_rewards)
    app.add_typer(rewards, name="rewards")
    app.command("rescore")(rescore)


def import_rewards(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="OpenAI grader JSON, or Python.")],
    name: Annotated[str, typer.Option(help="Default: the grader's own name, or the file's.")] = "",
    as_json: AsJson = False,
) -> None:
    """Store rewards from a file; `--set reward_set=ID` and the Rewards page use them."""
    rewards = read_rewards(source, name)
    version = store_rewards(runs_dir(), rewards)
    if as_json:
        functions = [
            {"name": e.name, "grader": e.grader, "weight": e.weight} for e in rewards.entries
        ]
        print_json({"reward_set": rewards.id, "name": rewards.name, "version": version,
                    "functions": functions})  # fmt: skip
    else:
        print(rewards.id)
        note(f"{rewards.name}, version {version}: {', '.join(rewards.names)}")


def export_rewards(
    id: Annotated[str, typer.Argument(metavar="ID", help="A reward set, as `sets` lists it.")],
    form: Annotated[
        Format, typer.Option("--format", help="OpenAI grader JSON, or a module for TRL.")
    ] = "openai",
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Else: print it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take stored rewards away. What the format cannot express is refused by name."""
    from rft_core.errors import cannot_write
    from rft_core.rewards.exchange.openai_export import Exported, export_graders
    from rft_core.rewards.exchange.trl_module import write_module

    rewards = find_rewards(runs_dir(), id)
    exported = export_graders(rewards) if form == "openai" else Exported(write_module(rewards))
    for remark in exported.remarks:
        note(remark)
    if to is not None:
        try:
            to.write_text(exported.text, encoding="utf-8")
        except OSError as error:
            raise cannot_write(to, error) from error
    if as_json:
        print_json({"reward_set": rewards.id, "format": form, "text": exported.text,
                    "remarks": exported.remarks})  # fmt: skip
    else:
        print(exported.text if to is None else f"{rewards.name or rewards.id} written to {to}")


def rescore(
    run: RunId,
    rewards: Annotated[str, typer.Option("--rewards", metavar="ID|FILE", help="Other rewards.")],
    as_json: AsJson = False,
) -> None:
    """Score everything a run has sampled with other rewards, without training.

    What is scored is kept: run again, it goes on where it ended, or with what a live run has added.
    """
    from rft_core.rescoring import rescore as score_again

    folder = runs_dir()
    chosen = find_rewards(folder, rewards)
    with interruptible():
        result = score_again(folder, run, chosen, on_progress=_show_progress)
    facts = _summarise(folder, run, chosen.id, result)
    if as_json:
        print_json(facts)
        return
    for problem in result.problems:
        note(problem)
    print_facts({name: value for name, value in facts.items() if not isinstance(value, list)})
    note(f"Its curve: the Monitor page, Re-score, or {run} in `rescore --json`")


def _summarise(folder: Path, run: str, reward_set: str, result: RescoreResult) -> dict[str, Any]:
    from dataclasses import asdict

    from rft_core.store.rescores import get_tally, open_rescores, rescored_frame

    with open_rescores(folder, run) as db:
        tally, frame = get_tally(db, reward_set), rescored_frame(db, reward_set)
    frame = frame.sort_values(["name", "split", "step"], kind="stable")
    metrics = [
        {"step": int(step), "split": split, "name": name, "value": float(value)}
        for step, split, name, value in zip(
            frame["step"], frame["split"], frame["name"], frame["value"], strict=True
        )
    ]
    return {
        "run": run,
        "reward_set": reward_set,
        "scored_now": result.scored,
        "seconds": result.seconds,
        **asdict(tally),
        "problems": list(result.problems),
        "metrics": metrics,
    }


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{done:,} of {total:,} completions", end="", file=sys.stderr, flush=True)
