"""Past evaluations, listed and opened again as they were, without a model, a run or a judge.

A record names the stored samples, the rows and the settings that an evaluation showed. So it opens
after its runs have been trained on or deleted, and what is computed from it is the same again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.errors import NotFoundError
from rft_core.evaluation.held_out import HeldOut
from rft_core.evaluation.known import take_first
from rft_core.evaluation.results import Comparison, Evaluation, RowSource, Sampled, Values
from rft_core.evaluation.stated_answer import read_answer
from rft_core.evaluation.suite import compare_all, evaluate, list_values
from rft_core.store.evaluations import (
    StoredRecord,
    add_record,
    find_evaluation,
    find_scores,
    get_record,
    list_records,
)
from rft_core.store.index import open_index
from rft_core.store.sets import ensure_set, get_set
from rft_core.store.sqlite.without_pandas import Database
from rft_core.types import Message, Row


@dataclass(frozen=True)
class Matchup:
    """Contenders on the same rows: what they wrote, and what that is worth. The base comes first.

    `about` says to people how it was measured; `keys` are those of the stored samples, in order.
    """

    task: str
    source: RowSource
    about: str
    rows: Sequence[Row]
    prompts: Sequence[Sequence[Message]]
    keys: Sequence[str]
    sampled: Sequence[Sampled]
    evaluations: Sequence[Evaluation]
    comparisons: Sequence[Comparison]  # every pair, in every measure that both have

    @property
    def labels(self) -> list[str]:
        return [evaluation.model for evaluation in self.evaluations]


@dataclass(frozen=True)
class EvaluationRecord:
    """An evaluation as it was asked for and found. `regression`: on a second task, if asked."""

    number: int
    created_at: float
    k: int
    vote: bool
    rerank: str | None  # what picked the best of k, by name
    seed: int
    main: Matchup
    regression: Matchup | None

    @property
    def matchups(self) -> list[Matchup]:
        return [self.main, *([self.regression] if self.regression else [])]


@dataclass(frozen=True)
class PastEvaluation:
    """A line of the list of evaluations."""

    number: int
    created_at: float
    task: str
    num_prompts: int
    k: int
    models: tuple[str, ...]
    rerank: str | None
    regression: str | None


@dataclass(frozen=True)
class MeasuredRun:
    """One run as an evaluation found it: that one's number, the run's label in it, all it found."""

    number: int
    label: str
    matchup: Matchup


def make_matchup(
    held_out: HeldOut, about: str, keys: Sequence[str], sampled: Sequence[Sampled], *,
    vote: bool, seed: int,
) -> Matchup:  # fmt: skip
    """What the samples are worth, with what they answer."""
    found = _evaluate(held_out.task, held_out.source, sampled, vote, seed)
    return Matchup(
        held_out.task, held_out.source, about, held_out.rows, held_out.prompts, tuple(keys),
        tuple(sampled), tuple(found), tuple(compare_all(found, seed)),
    )  # fmt: skip


def save_record(
    runs_dir: Path, main: Matchup, regression: Matchup | None, *,
    k: int, vote: bool, rerank: tuple[str, str] | None, seed: int,
) -> EvaluationRecord:  # fmt: skip
    """`rerank`: name and id of the scorer. Asking for the same again makes it the newest."""
    with open_index(runs_dir) as index:
        parts = [_write_matchup(index, part) for part in (main, regression) if part]
        settings = {"k": k, "vote": vote, "rerank": rerank, "seed": seed}
        stored = add_record(index, settings | {"matchups": parts})
    return _make_record(stored, main, regression)


def list_past(runs_dir: Path) -> list[PastEvaluation]:
    """Newest first."""
    with open_index(runs_dir) as index:
        return [_describe(record) for record in list_records(index)]


def open_record(runs_dir: Path, number: int | None = None) -> EvaluationRecord:
    """That evaluation, or the newest, from what is stored.

    Raises `NotFoundError` where there is none of that number, or its samples are gone.
    """
    with open_index(runs_dir) as index:
        record = _get_record(index, number)
        content = record.content
        parts = [_read_matchup(index, part, content) for part in content["matchups"]]
    return _make_record(record, parts[0], parts[1] if len(parts) > 1 else None)


def find_measured(runs_dir: Path, run_id: str, steps: Collection[int | None]) -> list[MeasuredRun]:
    """Of each task the newest evaluation of that run at one of these steps, beside the base; None
    is the finished adapter. What cannot be opened any more is left out.
    """
    found: dict[str, MeasuredRun] = {}
    with open_index(runs_dir) as index:
        for record in list_records(index):
            for part in record.content["matchups"]:
                label = _find_label(index, part, run_id, steps)
                if label is None or part["task"] in found:
                    continue
                try:
                    matchup = _read_matchup(index, part, record.content)
                except NotFoundError:
                    continue
                found[part["task"]] = MeasuredRun(record.number, label, matchup)
    return list(found.values())


def _find_label(
    index: Database, part: Mapping[str, Any], run_id: str, steps: Collection[int | None]
) -> str | None:
    """What that run at one of these steps is called in this part of a record."""
    for label, key in part["contenders"]:
        if label.partition("@")[0] != run_id:
            continue
        stored = find_evaluation(index, key)
        if stored is not None and stored.run == run_id and stored.step in steps:
            return str(label)
    return None


def read_values(runs_dir: Path, number: int) -> tuple[str, list[Mapping[str, Values]]]:
    """Of that evaluation how it was measured, and of each contender what `list_values` says.

    What an evaluation would take long to compute from it (intervals, differences) is left out.
    Raises `NotFoundError` as `open_record` does.
    """
    with open_index(runs_dir) as index:
        content = _get_record(index, number).content
        main = content["matchups"][0]
        extract = read_answer if content["vote"] else None
        sampled = _read_all_samples(index, main, content)
    return main["about"], [list_values(one, extract) for one in sampled]


def _get_record(index: Database, number: int | None) -> StoredRecord:
    record = get_record(index, number)
    if record is None:
        which = "no evaluation yet" if number is None else f"no evaluation {number}"
        raise NotFoundError(f"There is {which}", "", "List them with: rft_core evaluations")
    return record


def find_newest(runs_dir: Path) -> EvaluationRecord | None:
    """None where nothing was evaluated yet."""
    try:
        return open_record(runs_dir)
    except NotFoundError:
        return None


def _make_record(
    stored: StoredRecord, main: Matchup, regression: Matchup | None
) -> EvaluationRecord:
    content = stored.content
    return EvaluationRecord(
        stored.number, stored.created_at, content["k"], content["vote"],
        content["rerank"] and content["rerank"][0], content["seed"], main, regression,
    )  # fmt: skip


def _evaluate(
    task: str, source: RowSource, sampled: Sequence[Sampled], vote: bool, seed: int
) -> list[Evaluation]:
    extract = read_answer if vote else None
    return evaluate(task, sampled, source=source, extract_answer=extract, seed=seed)


def _describe(record: StoredRecord) -> PastEvaluation:
    content = record.content
    first, *second = content["matchups"]
    return PastEvaluation(
        record.number,
        record.created_at,
        first["task"],
        first["num_prompts"],
        content["k"],
        tuple(label for label, _ in first["contenders"]),
        content["rerank"] and content["rerank"][0],
        second[0]["task"] if second else None,
    )


def _write_matchup(index: Database, matchup: Matchup) -> dict[str, Any]:
    """As JSON; its rows are stored once for all evaluations on them."""
    asked = {"rows": list(map(dict, matchup.rows)), "prompts": [*map(list, matchup.prompts)]}
    content = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    rows_id = hashlib.sha256(content.encode()).hexdigest()
    ensure_set(
        index, "held_out", id=rows_id, name=matchup.task, task=matchup.task,
        num_rows=len(matchup.rows), content=content,
    )  # fmt: skip
    return {
        "task": matchup.task,
        "source": matchup.source,
        "about": matchup.about,
        "rows": rows_id,
        "num_prompts": len(matchup.rows),
        "contenders": list(zip(matchup.labels, matchup.keys, strict=True)),
    }


def _read_matchup(index: Database, part: Mapping[str, Any], content: Mapping[str, Any]) -> Matchup:
    asked = json.loads(get_set(index, "held_out", part["rows"]).content)
    sampled = _read_all_samples(index, part, content)
    task, source = part["task"], part["source"]
    found = _evaluate(task, source, sampled, content["vote"], content["seed"])
    return Matchup(
        task, source, part["about"], asked["rows"], asked["prompts"],
        tuple(key for _, key in part["contenders"]), tuple(sampled), tuple(found),
        tuple(compare_all(found, content["seed"])),
    )  # fmt: skip


def _read_all_samples(
    index: Database, part: Mapping[str, Any], content: Mapping[str, Any]
) -> list[Sampled]:
    k, scorer = content["k"], content["rerank"] and content["rerank"][1]
    return [_read_samples(index, label, key, k, scorer) for label, key in part["contenders"]]


def _read_samples(index: Database, label: str, key: str, k: int, scorer: str | None) -> Sampled:
    found = find_evaluation(index, key)
    if found is None or found.k < k:
        raise NotFoundError(f"The samples of '{label}' are gone", "", "Evaluate it again")
    first = take_first(label, found.groups, k, found.seconds)
    scores = find_scores(index, key, scorer) if scorer else None
    if scores is None:
        return first
    return Sampled(label, first.groups, first.seconds, [group[:k] for group in scores])
