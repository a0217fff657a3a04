"""The command compare: what differs between runs, and on which rows one got worse or better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rft_core.cli.output import AsJson, note, print_json, print_table, printable, runs_dir

if TYPE_CHECKING:
    from rft_core.evaluation.changes import Change
    from rft_core.evaluation.comparison.run_comparison import ComparedPair, RunComparison

SHOWN = 3  # examples of each kind, for people: --json has all


def register(app: typer.Typer) -> None:
    app.command("compare")(compare)


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN...", help="The first one is held against.")
    ],
    as_json: AsJson = False,
) -> None:
    """What differs between runs, what got worse and better, and whether that could be chance."""
    from rft_core.evaluation.comparison.run_comparison import compare_runs

    found = compare_runs(runs_dir(), runs)
    if as_json:
        print_json(found.to_json())
        return
    _print_settings(found)
    for pair in found.pairs:
        _print_pair(pair)
    if found.evaluate:
        note(f"On rows that no run has seen, with the base beside them: {found.evaluate}")


def _print_settings(found: RunComparison) -> None:
    from rft_core.config import write_setting

    if not found.settings:
        print("No setting differs.\n")
        return
    rows = [
        [one.name, *("–" if not read else write_setting(value) or "none"
                     for value, read in zip(one.values, one.is_read, strict=True))]
        for one in found.settings
    ]  # fmt: skip
    print_table(["setting", *(run.id for run in found.runs)], rows)
    print()


def _print_pair(pair: ComparedPair) -> None:
    from rft_core.evaluation.report import verdict_text

    print(f"{pair.second.id} against {pair.first.id}")
    if pair.prompts:
        print(f"Prompts differ. {pair.prompts.sentence}")
    for part in (*pair.rewards, *(pair.prompts.templates if pair.prompts else ())):
        print(f"  {printable(part.name)}: {part.fate}")
        for line in part.lines:
            print(f"    {printable(line)}")
    if pair.outcome is None:
        print(f"{pair.why_not}\n")
        return
    outcome = pair.outcome
    print(printable(verdict_text(pair.second.id, pair.first.id, outcome.difference)))
    print(printable(outcome.joined.about))
    still = len(outcome.list_turned("still wrong"))
    print(f"{still:,} rows are still wrong in both.\n")
    _print_examples("got worse", outcome.list_turned("to wrong"))
    _print_examples("got better", outcome.list_turned("to right"))


def _print_examples(title: str, changes: list[Change]) -> None:
    for change in changes[:SHOWN]:
        print(f"Row {change.row_id} {title}")
        for head, text in (("first", change.before.text), ("second", change.after.text)):
            print(f"  {head:<7}" + printable(text).replace("\n", "\n         "))
        print()
    if len(changes) > SHOWN:
        print(f"{len(changes) - SHOWN:,} more {title}: --json has them all.\n")
