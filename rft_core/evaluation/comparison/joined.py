"""Rows that two runs have both answered, joined by what they hold: of evaluations, or validation.

An evaluation's rows were never used by any run and come first. Where two runs share none, the rows
on which both were validated serve meanwhile: they were looked at while training.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from rft_core.errors import NotFoundError, UnreadableRunError
from rft_core.evaluation.held_out import make_row_id
from rft_core.evaluation.results import RowSource
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.deciding import FULL, find_deciding
from rft_core.store.evaluations import (
    JudgedSample,
    StoredEvaluation,
    StoredRecord,
    find_evaluation,
    list_records,
)
from rft_core.store.generations import StoredGeneration, get_prompts, iterate_generations
from rft_core.store.run_reader import open_run, validated_steps
from rft_core.store.search import GenerationFilter
from rft_core.store.sets import get_set
from rft_core.store.sqlite.without_pandas import Database
from rft_core.types import Message, Row

MOST_VALIDATED = 20_000  # completions of one validation that are read
Step = int | None  # None: the finished adapter


@dataclass(frozen=True)
class AnsweredRow:
    """One row as it was asked, and the samples of one run."""

    row: Row
    prompt: Sequence[Message]
    samples: Sequence[JudgedSample]


Answers = dict[str, AnsweredRow]  # by row id


@dataclass(frozen=True)
class JoinedRows:
    """What two runs wrote on the same rows. `steps`: at which each of them was asked."""

    source: RowSource
    task: str
    steps: tuple[Step, Step]
    rows: Sequence[Row]
    prompts: Sequence[Sequence[Message]]
    groups: tuple[Sequence[Sequence[JudgedSample]], Sequence[Sequence[JudgedSample]]]

    @property
    def about(self) -> str:
        """How these rows came about, in a sentence for people."""
        count = f"{len(self.rows):,} {self.source} row{'s' * (len(self.rows) != 1)}"
        if self.source == "held-out":
            return f"{count} of {self.task} that both were evaluated on; none was trained on."
        first, second = self.steps
        return (
            f"{count} that both were validated on, at steps {first} and {second}: never trained "
            "on, but looked at during training."
        )


@dataclass
class _AskedAlike:
    """One way of asking and judging, and by run and step what was answered."""

    source: RowSource
    task: str
    answers: dict[str, dict[Step, Answers]] = field(default_factory=dict)


def join_evaluations(index: Database, first: str, second: str) -> JoinedRows | None:
    """Rows of stored evaluations that both runs have answered, asked and judged the same way.

    Of a run that was evaluated at several steps, the finished adapter counts, else the newest.
    None where there is no such row.
    """
    found = [
        joined
        for asked in _collect(index, {first, second})
        if (
            joined := _join(asked.source, asked.task, *(_newest(asked, r) for r in (first, second)))
        )
    ]
    return max(found, key=lambda joined: len(joined.rows), default=None)


def join_validation(
    runs_dir: Path, runs: tuple[str, str], rewards: tuple[RewardSet, RewardSet], task: str
) -> JoinedRows | None:
    """Rows of both runs' last validations, judged by what decides in their rewards.

    None where there are none in common, or where another function decides in one than in the other.
    """
    deciding = [[entry.as_dict() for entry in find_deciding(one)] for one in rewards]
    if deciding[0] != deciding[1] or not deciding[0]:
        return None
    names = [entry["name"] for entry in deciding[0]]
    try:
        first, second = (_read_validation(runs_dir, run, names) for run in runs)
    except (NotFoundError, UnreadableRunError):
        return None
    return _join("validation", task, first, second) if first and second else None


def _join(
    source: RowSource,
    task: str,
    first: tuple[Step, Answers] | None,
    second: tuple[Step, Answers] | None,
) -> JoinedRows | None:
    if first is None or second is None:
        return None
    shared = [id for id in first[1] if id in second[1]]
    if not shared:
        return None
    one, other = ([answers[id] for id in shared] for _, answers in (first, second))
    return JoinedRows(
        source, task, (first[0], second[0]), [a.row for a in one], [a.prompt for a in one],
        ([a.samples for a in one], [a.samples for a in other]),
    )  # fmt: skip


def _collect(index: Database, runs: set[str]) -> list[_AskedAlike]:
    """All that these runs have answered; of what was answered twice the newest."""
    found: dict[str, _AskedAlike] = {}
    for record in list_records(index):
        for part, stored in _list_parts(index, record, runs):
            settings = {k: v for k, v in stored.settings.items() if k != "seed"}
            same = [part["source"], stored.task, stored.judge, settings]
            asked = found.setdefault(
                json.dumps(same, sort_keys=True), _AskedAlike(part["source"], stored.task)
            )
            held = json.loads(get_set(index, "held_out", part["rows"]).content)
            answers = asked.answers.setdefault(str(stored.run), {}).setdefault(stored.step, {})
            for row, prompt, group in zip(
                held["rows"], held["prompts"], stored.groups, strict=True
            ):
                answers.setdefault(make_row_id(row), AnsweredRow(row, prompt, group))
    return list(found.values())


def _list_parts(
    index: Database, record: StoredRecord, runs: set[str]
) -> Iterator[tuple[Mapping[str, Any], StoredEvaluation]]:
    for part in record.content["matchups"]:
        for label, key in part["contenders"]:
            if label.partition("@")[0] not in runs:
                continue
            stored = find_evaluation(index, key)
            if stored is not None and stored.run in runs:
                yield part, stored


def _newest(asked: _AskedAlike, run: str) -> tuple[Step, Answers] | None:
    by_step = asked.answers.get(run)
    if not by_step:
        return None
    step = None if None in by_step else max(step for step in by_step if step is not None)
    return step, by_step[step]


def _read_validation(
    runs_dir: Path, run: str, deciding: Sequence[str]
) -> tuple[Step, Answers] | None:
    """The last validation of a run; None before there is one."""
    with open_run(runs_dir, run) as db:
        step = max(validated_steps(db), default=None)
        if step is None:
            return None
        at_step = GenerationFilter(step=step, split="validation")
        made = list(islice(iterate_generations(db, at_step), MOST_VALIDATED))
        prompts = get_prompts(db, {generation.prompt_id for generation in made})
    groups: dict[int, list[JudgedSample]] = {}
    for generation in made:
        groups.setdefault(generation.prompt_id, []).append(_judge(generation, deciding))
    asked = ((prompts[id], samples) for id, samples in groups.items())
    return step, {
        make_row_id(prompt.row): AnsweredRow(prompt.row, prompt.messages, samples)
        for prompt, samples in asked
    }


def _judge(generation: StoredGeneration, deciding: Sequence[str]) -> JudgedSample:
    scores = [generation.scores.get(name) for name in deciding]
    known = [score for score in scores if score is not None]
    verdict = all(score >= FULL for score in known) if len(known) == len(scores) else None
    return JudgedSample(generation.completion, generation.truncated, verdict, generation.num_tokens)
