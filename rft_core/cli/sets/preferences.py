"""Commands about preferences: list, export, import and pairs, under `preferences`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rft_core.cli.output import AsJson, note, print_facts, print_json, print_table, runs_dir
from rft_core.errors import cannot_write

Name = Annotated[str, typer.Option("--name", help="What the pair set is called.")]
Share = Annotated[
    float, typer.Option("--validation", help="Share of the pairs to hold out, by prompt.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of the split.")]
LONGEST_PROMPT = 60

preferences = typer.Typer(help="What people preferred, and the pairs that are made of it.")


def register(app: typer.Typer) -> None:
    preferences.command("list")(list_)
    preferences.command("pairs")(pairs)
    preferences.command("import")(import_)
    preferences.command("export")(export)
    app.add_typer(preferences, name="preferences")


def list_(as_json: AsJson = False) -> None:
    """The stored judgements, how often a person agrees with herself, and who won."""
    from dataclasses import asdict

    from rft_core.preferences.agreement import measure_lanes, measure_self_agreement
    from rft_core.store.index import open_index
    from rft_core.store.preferences import list_judgements

    with open_index(runs_dir()) as index:
        judgements = list_judgements(index)
    agreement, lanes = measure_self_agreement(judgements), measure_lanes(judgements)
    if as_json:
        print_json({
            "judgements": [asdict(j) | {"verdict": j.verdict} for j in judgements],
            "self_agreement": asdict(agreement) if agreement else None,
            "lanes": [asdict(lane) for lane in lanes],
        })  # fmt: skip
        return
    print_table(
        ("id", "who", "seconds", "verdict", "prompt"),
        [
            (j.id, j.who, f"{j.seconds:.1f}", j.verdict + (" (repeated)" if j.repeats else ""),
             _shorten(j.shown.messages[-1]["content"]))
            for j in judgements
        ],
    )  # fmt: skip
    if agreement:
        low, high = agreement.ci
        note(
            f"Self-agreement {agreement.value:.0%} on {agreement.n} repeated items "
            f"(95% interval {low:.0%} to {high:.0%})."
        )
    for lane in lanes:
        if (rate := lane.win_rate) is not None:
            low, high = rate.ci
            note(f"{lane.lane}: win rate {rate.value:.0%} ({low:.0%} to {high:.0%}, n = {rate.n})")


def pairs(
    name: Name = "Judgements", validation: Share = 0.1, seed: Seed = 0, as_json: AsJson = False
) -> None:
    """Make a pair set of every stored vote and ranking."""
    from rft_core.jobs.pinning import store_pair_set
    from rft_core.preferences.pairs import pairs_from_judgements
    from rft_core.store.index import open_index
    from rft_core.store.preferences import list_judgements

    with open_index(runs_dir()) as index:
        pair_set, derived = pairs_from_judgements(
            list_judgements(index), name, validation_share=validation, seed=seed
        )
        id = store_pair_set(index, pair_set)
    _report(id, len(pair_set.train_pairs), len(pair_set.validation), derived.describe(), as_json)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, as TRL writes pairs.")],
    *,
    name: Annotated[str, typer.Option("--name", help="Default: the file's name.")] = "",
    validation: Share = 0.1,
    seed: Seed = 0,
    task: Annotated[str | None, typer.Option(help="The task whose prompts these are.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a pair set of a file as TRL's preference datasets have it."""
    from rft_core.data import make_pair_set, read_table
    from rft_core.data.pair_lines import read_pairs
    from rft_core.jobs.pinning import store_pair_set
    from rft_core.store.index import open_index
    from rft_core.tasks import get_task

    if task:
        get_task(task)
    imported = read_pairs(read_table(file))
    pair_set = make_pair_set(name or file.stem, imported.pairs, validation, seed, task)
    with open_index(runs_dir()) as index:
        id = store_pair_set(index, pair_set)
    _report(id, len(pair_set.train_pairs), len(pair_set.validation), imported.describe(), as_json)


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines to write.")],
    pair_set: Annotated[
        str | None, typer.Option("--pairs", metavar="ID", help="A stored pair set, not judgements.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write pairs as TRL's preference datasets have them: all that the judgements give."""
    from rft_core.data import PairSet
    from rft_core.data.pair_lines import write_pairs
    from rft_core.preferences.pairs import derive_pairs
    from rft_core.store.index import open_index
    from rft_core.store.preferences import list_judgements
    from rft_core.store.sets import get_set

    with open_index(runs_dir()) as index:
        if pair_set:
            chosen = PairSet.from_json(get_set(index, "pairs", pair_set).content).pairs
            about = f"{len(chosen):,} pairs."
        else:
            derived = derive_pairs(list_judgements(index))
            chosen, about = derived.pairs, derived.describe()
    try:
        file.write_text(write_pairs(chosen), encoding="utf-8")
    except OSError as error:
        raise cannot_write(file, error) from error
    if as_json:
        print_json({"file": str(file), "pairs": len(chosen), "about": about})
    else:
        print(f"{about} Written to {file}")


def _report(id: str, train: int, validation: int, about: str, as_json: bool) -> None:
    if as_json:
        print_json({"pair_set": id, "train": train, "validation": validation, "about": about})
        return
    note(about)
    print_facts({"pair set": id, "pairs to train on": train, "held out": validation})


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_PROMPT else f"{line[: LONGEST_PROMPT - 1]}…"
