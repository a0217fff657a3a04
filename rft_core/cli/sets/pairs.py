"""Commands about pairs of answers, of which one is preferred: make them of a run, list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rft_core.cli.output import (
    AsJson,
    RunId,
    note,
    print_facts,
    print_json,
    print_sets,
    printable,
    runs_dir,
)

if TYPE_CHECKING:
    from rft_core.data.pair_set import PairSet

SHOWN = 3
Name = Annotated[str, typer.Option(help="A name for people; empty: made from where they are from.")]
HeldOut = Annotated[
    float, typer.Option("--validation", min=0, max=0.9, help="Share of the pairs to hold out.")
]


def register(app: typer.Typer) -> None:
    pairs = typer.Typer(help="Pairs of answers, for dpo and reward_model.", rich_markup_mode=None)
    pairs.command("from-run")(from_run)
    pairs.command("list")(list_pairs)
    pairs.command("show")(show)
    app.add_typer(pairs, name="pairs")


def from_run(
    run: RunId,
    *,
    margin: Annotated[float, typer.Option(help="Least difference of the rewards.")] = 0.5,
    max_per_prompt: Annotated[int, typer.Option(help="Most pairs of one prompt.")] = 4,
    match_length: Annotated[
        float | None, typer.Option(help="Most difference of their lengths, as a share: 0.1.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="One reward function's score, not the total reward.")
    ] = None,
    validation: HeldOut = 0.1,
    name: Name = "",
    as_json: AsJson = False,
) -> None:
    """Of each group that a run has sampled and rewarded: the best answers against the worst."""
    from rft_core.data.graded_pairs import PairChoice
    from rft_core.evaluation.run_pairs import make_run_pairs

    choice = PairChoice(margin, max_per_prompt, match_length)
    made, chosen = make_run_pairs(
        runs_dir(), run, choice, name=name, function=by, validation_share=validation
    )
    _store(made, chosen.describe(), as_json)


def list_pairs(as_json: AsJson = False) -> None:
    """The stored pair sets, which `--set pair_set=` names."""
    print_sets("pairs", as_json)


def show(
    pair_set: Annotated[str, typer.Argument(metavar="PAIRS", help="Its id, as `list` has it.")],
    limit: Annotated[int, typer.Option(min=0, help="So many pairs of it.")] = SHOWN,
    as_json: AsJson = False,
) -> None:
    """What is in a pair set, and some of its pairs."""
    import json

    from rft_core.data.pair_set import PairSet
    from rft_core.store.index import open_index
    from rft_core.store.sets import get_set

    with open_index(runs_dir()) as index:
        stored = PairSet.from_json(get_set(index, "pairs", pair_set).content)
    if as_json:
        print_json(json.loads(stored.to_json()))
        return
    print_facts(_describe(stored))
    for pair in stored.pairs[:limit]:
        print()
        print(printable("\n".join(f"{m['role']}: {m['content']}" for m in pair.messages)))
        for label, text in (("chosen", pair.chosen), ("rejected", pair.rejected)):
            print(printable(f"--- {label}\n{text}"))


def _describe(pairs: PairSet) -> dict[str, object]:
    differ = [pair for pair in pairs.pairs if len(pair.chosen) != len(pair.rejected)]
    longer = [pair for pair in differ if len(pair.chosen) > len(pair.rejected)]
    return {
        "pairs": len(pairs.pairs),
        "held out": len(pairs.validation),
        "task": pairs.task,
        "chosen is longer": f"{len(longer)} of {len(differ)} pairs whose lengths differ",
    }


def _store(pairs: PairSet, description: str, as_json: bool) -> None:
    from rft_core.jobs.pinning import store_pair_set
    from rft_core.store.index import open_index

    with open_index(runs_dir()) as index:
        set_id = store_pair_set(index, pairs)
    if as_json:
        facts = {"pairs": len(pairs.pairs), "validation": len(pairs.validation)}
        print_json({"pair_set": set_id, **facts, "description": description})
        return
    print(set_id)
    note(f"{description} Use it: launch --method dpo --set pair_set={set_id}")
