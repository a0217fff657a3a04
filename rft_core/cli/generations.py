"""Commands that read what a run has stored: generations and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from rft_core.cli.output import AsJson, RunId, print_json, print_table, printable, runs_dir

if TYPE_CHECKING:
    from rft_core.store.generations import StoredGeneration
    from rft_core.store.search import GenerationFilter
    from rft_core.store.sqlite.without_pandas import Database

Split = Annotated[str | None, typer.Option(help="train or validation; default: both.")]


def register(app: typer.Typer) -> None:
    app.command("generations")(generations)
    app.command("metrics")(metrics)


def generations(
    run: RunId,
    *,
    step: Annotated[int | None, typer.Option(help="Only this step.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    search: Annotated[str | None, typer.Option(help="Only completions with this text.")] = None,
    split: Split = None,
    best: Annotated[int | None, typer.Option(min=1, help="Those of the highest rewards.")] = None,
    worst: Annotated[int | None, typer.Option(min=1, help="Those of the lowest rewards.")] = None,
    as_json: AsJson = False,
) -> None:
    """Stored completions with their scores: the newest, or with --best and --worst by reward."""
    from rft_core.store.generations import get_prompts
    from rft_core.store.search import GenerationFilter

    wanted = GenerationFilter(step=step, split=_check_split(split), text=search)
    with _open(run) as db:
        found = _read(db, wanted, limit, {"best": best, "worst": worst})
        ids = {g.prompt_id for generations in found.values() for g in generations}
        prompts = get_prompts(db, ids) if db else {}
    if as_json:
        rows = {
            title: [_as_json(g) | {"row": prompts[g.prompt_id].row} for g in generations]
            for title, generations in found.items()
        }
        print_json({"run": run, **rows})
        return
    for title, generations in found.items():
        if title != "generations":
            print(f"{title}, by reward:" if generations else f"{title}: no completion has a reward")
        for generation in generations:
            _print(generation)
    if not any(found.values()):
        print("No generation matches." if wanted != GenerationFilter() else "No generations yet.")


def _read(
    db: Database | None, wanted: GenerationFilter, limit: int, by_reward: dict[str, int | None]
) -> dict[str, list[StoredGeneration]]:
    """By what they are: best, worst, or simply generations where neither is asked for."""
    from rft_core.store.generations import list_by_reward, list_generations

    asked = {title: most for title, most in by_reward.items() if most is not None}
    if db is None:
        return {title: [] for title in asked or ("generations",)}
    if not asked:
        return {"generations": list_generations(db, wanted, limit=limit)}
    return {
        title: list_by_reward(db, wanted, limit=most, best=title == "best")
        for title, most in asked.items()
    }


def metrics(
    run: RunId,
    name: Annotated[str | None, typer.Option(help="Only this metric.")] = None,
    split: Split = None,
    as_json: AsJson = False,
) -> None:
    """Stored metrics by step."""
    from rft_core.store.run_reader import metrics_frame

    wanted = _check_split(split)
    rows: list[dict[str, object]] = []
    with _open(run) as db:
        if db:
            frame = metrics_frame(db)
            if name:
                frame = frame[frame["name"] == name]
            if wanted:
                frame = frame[frame["split"] == wanted]
            frame = frame.sort_values(["name", "split", "step"], kind="stable")
            rows = [
                {"step": int(step), "split": split_, "name": name_, "value": float(value)}
                for step, split_, name_, value in zip(
                    frame["step"], frame["split"], frame["name"], frame["value"], strict=True
                )
            ]
    if as_json:
        print_json({"run": run, "metrics": rows})
    else:
        columns = ("name", "split", "step", "value")
        print_table(columns, [[row[column] for column in columns] for row in rows])


@contextmanager
def _open(run: str) -> Iterator[Database | None]:
    """The run's database; None while its worker has not made it."""
    from rft_core.store.index import open_index
    from rft_core.store.run_reader import has_database, open_run
    from rft_core.store.runs import get_run

    folder = runs_dir()
    with open_index(folder) as index:
        get_run(index, run)
    if not has_database(folder, run):
        yield None
        return
    with open_run(folder, run) as db:
        yield db


def _check_split(split: str | None) -> str | None:
    if split not in (None, "train", "validation"):
        raise typer.BadParameter(f"'{split}' is not a split: use train or validation")
    return split


def _as_json(generation: StoredGeneration) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(generation)


def _print(generation: StoredGeneration) -> None:
    reward = "" if generation.reward is None else f" reward {generation.reward:g};"
    scores = ", ".join(
        f"{name} {'–' if score is None else f'{score:g}'}"
        for name, score in generation.scores.items()
    )
    advantage = "" if generation.advantage is None else f" advantage {generation.advantage:+.2f}"
    place = f"group {generation.group_index}.{generation.sample_index}"
    flags = f" [{', '.join(generation.flags)}]" if generation.flags else ""
    print(f"step {generation.step} {generation.split} {place}:{reward} {scores}{advantage}{flags}")
    print("    " + printable(generation.completion).replace("\n", "\n    "))
