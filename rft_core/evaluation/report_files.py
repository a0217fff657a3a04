"""An evaluation as a file: CSV for spreadsheets, Markdown for people, JSON for programs.

CSV is one long table, a line per figure: shares and differences from 0 to 1, with the limits of
their 95% intervals. Markdown says what the page says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rft_core.csv_text import csv_row
from rft_core.evaluation.changes import Change
from rft_core.evaluation.records import EvaluationRecord, Matchup
from rft_core.evaluation.report import (
    Label,
    as_is,
    comparison_table,
    forgotten_text,
    main_table,
    selection_table,
    verdict_text,
)
from rft_core.evaluation.results import Evaluation
from rft_core.statistics import PairedDifference

CSV_COLUMNS = (
    "task", "rows", "model", "compared_with", "measure", "k", "n", "value", "low", "high",
    "p_value", "test", "turned_right", "turned_wrong",
)  # fmt: skip
LONGEST_QUOTE = 2_000  # characters of a prompt or completion in Markdown
RANDOM = "a random pick"


def to_csv(record: EvaluationRecord) -> str:
    lines = [csv_row(CSV_COLUMNS)]
    for matchup in record.matchups:
        for figure in _list_figures(matchup):
            about = {"task": matchup.task, "rows": matchup.source} | figure
            lines.append(csv_row([about.get(column, "") for column in CSV_COLUMNS]))
    return "".join(lines)


def _list_figures(matchup: Matchup) -> Iterator[dict[str, Any]]:
    for evaluation in matchup.evaluations:
        yield from _list_shares(evaluation)
        for measure in evaluation.measures:
            if measure.versus_random:
                yield {
                    "model": evaluation.model, "compared_with": RANDOM, "measure": measure.name,
                    "k": evaluation.k, **_difference(measure.versus_random),
                }  # fmt: skip
    for one in matchup.comparisons:
        yield {
            "model": one.second, "compared_with": one.first, "measure": one.measure,
            "k": 1 if one.measure == "pass@1" else matchup.evaluations[0].k,
            **_difference(one.difference),
        }  # fmt: skip


def _list_shares(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """Every measure at every number of samples, then what it cost."""
    for measure in evaluation.measures:
        for k, estimate in enumerate(measure.curve, start=1):
            if estimate:
                yield {
                    "model": evaluation.model, "measure": measure.name, "k": k, "n": evaluation.n,
                    "value": estimate.value, "low": estimate.ci[0], "high": estimate.ci[1],
                }  # fmt: skip
    others = {
        "agreement": evaluation.agreement.value if evaluation.agreement else None,
        "cut off": evaluation.truncated,
        "tokens each": evaluation.cost.tokens_each,
        "seconds": evaluation.cost.seconds,
    }
    for name, value in others.items():
        if value is not None:
            yield {
                "model": evaluation.model, "measure": name, "k": evaluation.k, "n": evaluation.n,
                "value": value,
            }  # fmt: skip


def _difference(difference: PairedDifference) -> dict[str, Any]:
    return {
        "n": difference.n, "value": difference.difference, "low": difference.ci[0],
        "high": difference.ci[1], "p_value": difference.p_value, "test": difference.test,
        "turned_right": difference.gained, "turned_wrong": difference.lost,
    }  # fmt: skip


def to_json(record: EvaluationRecord, changes: Sequence[Change] | None = None) -> dict[str, Any]:
    """`rows` is the table on the task, a row per model."""
    document: dict[str, Any] = {
        "evaluation": record.number,
        "created_at": record.created_at,
        "k": record.k,
        "rerank": record.rerank,
        **_matchup_json(record.main),
        "regression": record.regression and _matchup_json(record.regression),
    }
    return document if changes is None else document | {"changes": [c.to_json() for c in changes]}


def _matchup_json(matchup: Matchup) -> dict[str, Any]:
    return {
        "rows": [evaluation.to_row() for evaluation in matchup.evaluations],
        "about": matchup.about,
        "curves": {e.model: _curves_json(e) for e in matchup.evaluations},
        "versus_random": {
            e.model: {m.name: _difference(m.versus_random) for m in e.measures if m.versus_random}
            for e in matchup.evaluations
        },
        "comparisons": [
            {"from": one.first, "to": one.second, "measure": one.measure,
             **_difference(one.difference)}
            for one in matchup.comparisons
        ],
    }  # fmt: skip


def _curves_json(evaluation: Evaluation) -> dict[str, Any]:
    """At 1, 2, ... k samples: [value, low, high], or null."""
    return {
        measure.name: [estimate and [estimate.value, *estimate.ci] for estimate in measure.curve]
        for measure in evaluation.measures
    }


def to_markdown(
    record: EvaluationRecord, changes: Sequence[Change] | None = None, label: Label = as_is
) -> str:
    """What the page shows, under headings."""
    parts = [f"# Evaluation {record.number}: {record.main.task}", record.main.about]
    parts += _matchup_markdown(record.main, record, label)
    if record.regression:
        parts += [f"## What was forgotten: {record.regression.task}"]
        parts += [record.regression.about, forgotten_text(record.regression, label)]
        parts += _matchup_markdown(record.regression, record, label)
    if changes is not None:
        parts += ["## Changed examples", *map(_change_markdown, changes)]
        parts += [] if changes else ["No example changed."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _matchup_markdown(matchup: Matchup, record: EvaluationRecord, label: Label) -> Iterator[str]:
    base, *tuned = matchup.evaluations
    for evaluation in tuned:
        if evaluation.versus_base:
            yield verdict_text(
                f"**{label(evaluation.model)}**", label(base.model), evaluation.versus_base
            )
    yield _table(main_table(matchup.evaluations, label))
    yield _table(selection_table(matchup.evaluations, record.rerank, label))
    yield _table(comparison_table(matchup, label))


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    if not rows:
        return ""
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns), *([row[c] for c in columns] for row in rows)]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _change_markdown(change: Change) -> str:
    before, after = ("{} of {} right".format(*n) for n in (change.right_before, change.right_after))
    asked = change.prompt[-1]["content"] if change.prompt else ""
    return "\n\n".join(
        [
            f"### Row {change.row_id}, {change.direction}: {before}, then {after}",
            _quote("Prompt", asked),
            _quote("Before", change.before.text),
            _quote("After", change.after.text),
        ]
    )


def _quote(title: str, text: str) -> str:
    """Fenced by more backticks than the text holds, so that it cannot end its own quotation."""
    longest = max((len(run) for run in _runs_of_backticks(text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]} …"
    return f"{title}:\n\n{fence}\n{shown}\n{fence}"


def _runs_of_backticks(text: str) -> list[str]:
    return "".join(sign if sign == "`" else " " for sign in text).split()
