"""Commands that measure tuned models: evaluate, and past evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rft_core.cli.output import (
    AsJson,
    check_targets,
    end_progress,
    note,
    print_json,
    print_table,
    printable,
    runs_dir,
    show_progress,
)
from rft_core.errors import BadInputError, cannot_write, quote

if TYPE_CHECKING:
    from rft_core.evaluation.changes import Change
    from rft_core.evaluation.records import EvaluationRecord, Matchup

ShowChanges = Annotated[
    bool, typer.Option("--changes", help="Show the rows that turned right or wrong.")
]
CsvFile = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write every figure, a line each.")
]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write the report for people.")
]
Between = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="The two models of --changes; default: base and the first."),
]


def register(app: typer.Typer) -> None:
    app.command("evaluate")(evaluate)
    app.command("evaluations")(evaluations)


def evaluate(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Compared with the base; RUN@STEP is a checkpoint."),
    ],
    *,
    task: Annotated[str | None, typer.Option(help="Another task than the run's own.")] = None,
    k: Annotated[int, typer.Option("--k", min=1, help="Samples per prompt, for pass@k.")] = 1,
    num_prompts: Annotated[int, typer.Option("--prompts", min=1, help="Held-out prompts.")] = 200,
    vote: Annotated[bool, typer.Option("--vote/--no-vote", help="The majority vote of k.")] = True,
    rerank: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Best of k by a reward_model run, or by shortest or longest."
        ),
    ] = None,
    regression: Annotated[
        str | None, typer.Option(metavar="TASK", help="A second task: what was forgotten.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    changes: ShowChanges = False,
    between: Between = None,
    csv: CsvFile = None,
    markdown: MarkdownFile = None,
    as_json: AsJson = False,
) -> None:
    """Base and tuned models on held-out rows: pass@1, pass@k, maj@k, intervals, differences."""
    from rft_core.evaluation.reranking import find_reranker
    from rft_core.evaluation.run_evaluation import plan_evaluation, run_evaluation

    folder = runs_dir()
    check_targets(csv, markdown)
    plan = plan_evaluation(folder, runs, task=task, num_prompts=num_prompts, seed=seed)
    if between:
        find_two(between, [contender.label for contender in plan.contenders])
    second = (
        plan_evaluation(folder, runs, task=regression, num_prompts=num_prompts, seed=seed)
        if regression
        else None
    )
    record = run_evaluation(
        plan,
        k=k,
        vote=vote,
        rerank=find_reranker(folder, rerank) if rerank else None,
        regression=second,
        on_progress=lambda _, progress: show_progress(progress),
    )
    end_progress()
    _show(record, changes=changes, between=between, csv=csv, markdown=markdown, as_json=as_json)


def evaluations(
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", help="Open this one; default: list all.")
    ] = None,
    *,
    changes: ShowChanges = False,
    between: Between = None,
    csv: CsvFile = None,
    markdown: MarkdownFile = None,
    as_json: AsJson = False,
) -> None:
    """Past evaluations: a list, or one of them opened again. Nothing is sampled."""
    from dataclasses import asdict
    from datetime import datetime

    from rft_core.evaluation.records import list_past, open_record
    from rft_core.evaluation.report import past_table

    if number is not None:
        _show(
            open_record(runs_dir(), number), changes=changes, between=between, csv=csv,
            markdown=markdown, as_json=as_json,
        )  # fmt: skip
        return
    past = list_past(runs_dir())
    if as_json:
        print_json({"evaluations": [asdict(one) for one in past]})
    elif past:
        _print_rows(past_table(past, lambda t: f"{datetime.fromtimestamp(t):%Y-%m-%d %H:%M}"))
    else:
        print("Nothing was evaluated yet. Begin with: python -m rft_core evaluate RUN")


def _show(
    record: EvaluationRecord,
    *,
    changes: bool,
    between: str | None,
    csv: Path | None,
    markdown: Path | None,
    as_json: bool,
) -> None:
    from rft_core.evaluation.changes import list_changes
    from rft_core.evaluation.report import forgotten_text
    from rft_core.evaluation.report_files import to_csv, to_json, to_markdown

    changed = None
    if changes or between:
        first, second = find_two(between or ",".join(record.main.labels[:2]), record.main.labels)
        changed = list_changes(record.main, first, second)
    for path, text in ((csv, to_csv(record)), (markdown, to_markdown(record, changed))):
        if path:
            _write(path, text)
    if as_json:
        print_json(to_json(record, changed))
        return
    _print_matchup(record.main, record)
    if record.regression:
        print(f"What was forgotten: {record.regression.task}")
        _print_matchup(record.regression, record)
        print(printable(forgotten_text(record.regression)))
    for change in changed or ():
        _print_change(change)
    note(f"Opened again, without sampling, by: python -m rft_core evaluations {record.number}")


def find_two(between: str, labels: Sequence[str]) -> tuple[str, str]:
    """ "A,B" as two of the models. Raises `BadInputError` for anything else."""
    names = [name.strip() for name in between.split(",")]
    if len(names) != 2 or not set(names) <= set(labels):
        raise BadInputError(
            f"{quote(between)} does not name two models of this evaluation",
            f"They are {', '.join(labels)}",
            "Write --between A,B",
        )
    return names[0], names[1]


def _print_matchup(matchup: Matchup, record: EvaluationRecord) -> None:
    from rft_core.evaluation.report import comparison_table, main_table, selection_table

    note(matchup.about)
    _print_rows(main_table(matchup.evaluations))
    _print_rows(selection_table(matchup.evaluations, record.rerank))
    _print_rows(comparison_table(matchup))


def _print_rows(rows: list[dict[str, str]]) -> None:
    """A table and an empty line; nothing where there is no row."""
    if not rows:
        return
    columns = list(rows[0])
    print_table(columns, [[row[column] for column in columns] for row in rows])
    print()


def _print_change(change: Change) -> None:
    right = "{} of {} right, then {} of {}".format(*change.right_before, *change.right_after)
    print(f"Row {change.row_id} turned {change.direction.removeprefix('to ')}: {right}")
    for title, text in (
        ("asked", change.prompt[-1]["content"]),
        ("before", change.before.text),
        ("after", change.after.text),
    ):
        print(f"  {title:<7}" + printable(text).replace("\n", "\n         "))
    print()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error, "Choose another file") from error
