"""Stored evaluations: what models wrote on held-out prompts, and how it was judged.

Known by the hash of everything that the samples depend on, so that nothing is computed twice: the
base model is sampled once for all runs that are compared with it on the same prompts. A record says
which of them were looked at together, so that an evaluation can be opened again as it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.store.sqlite.database import transaction
from rft_core.store.sqlite.without_pandas import Database


@dataclass(frozen=True)
class JudgedSample:
    """One completion. `verdict` None: it could not be judged. `num_tokens` None: not counted.

    `answer`: what its program computed, "" for nothing; None: the answer is to be read in the text.
    """

    text: str
    truncated: bool
    verdict: bool | None
    num_tokens: int | None = None
    answer: str | None = None


@dataclass(frozen=True)
class StoredEvaluation:
    """`groups`: of each prompt its samples, equally many; `run` None: the base model.

    `seconds`: what sampling them took in all, without loading the model; None: not measured.
    """

    id: str
    run: str | None
    step: int | None
    task: str
    seed: int
    settings: Mapping[str, Any]
    judge: str  # id of the reward set
    groups: Sequence[Sequence[JudgedSample]]
    seconds: float | None = None
    created_at: float = 0.0

    @property
    def k(self) -> int:
        return min((len(group) for group in self.groups), default=0)


def set_evaluation(db: Database, evaluation: StoredEvaluation) -> None:
    """Write it, in the place of one with fewer samples, or with as many and fewer verdicts."""
    content = [
        [[s.text, s.truncated, s.verdict, s.num_tokens, s.answer] for s in group]
        for group in evaluation.groups
    ]
    with transaction(db) as connection:
        known = find_evaluation(db, evaluation.id)
        if known and _rank(known) >= _rank(evaluation):
            return
        connection.execute(
            "INSERT INTO evaluations (id, run, step, task, num_prompts, k, seed, settings, judge, "
            "content, seconds, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET k = excluded.k, content = excluded.content, "
            "seconds = excluded.seconds, created_at = excluded.created_at",
            (
                evaluation.id, evaluation.run, evaluation.step, evaluation.task,
                len(evaluation.groups), evaluation.k, evaluation.seed,
                json.dumps(evaluation.settings, sort_keys=True), evaluation.judge,
                json.dumps(content, ensure_ascii=False), evaluation.seconds, time.time(),
            ),
        )  # fmt: skip


def _rank(evaluation: StoredEvaluation) -> tuple[int, int]:
    """Samples of each prompt, then verdicts: the higher one is kept."""
    return evaluation.k, sum(s.verdict is not None for group in evaluation.groups for s in group)


def find_evaluation(db: Database, id: str) -> StoredEvaluation | None:
    """None where it is not known yet."""
    sql = (
        "SELECT id, run, step, task, seed, settings, judge, content, seconds, created_at "
        "FROM evaluations WHERE id = ?"
    )
    row = next(iter(db.query(sql, [id])), None)
    if row is None:
        return None
    groups = [[JudgedSample(*sample) for sample in group] for group in json.loads(row["content"])]
    names = ("id", "run", "step", "task", "seed", "judge", "seconds", "created_at")
    kept = {name: row[name] for name in names}
    return StoredEvaluation(**kept, settings=json.loads(row["settings"]), groups=groups)


def set_scores(db: Database, id: str, scorer: str, scores: Sequence[Sequence[float]]) -> None:
    """What a scorer, known by its own hash, said of an evaluation's samples."""
    with transaction(db) as connection:
        connection.execute(
            "INSERT OR REPLACE INTO evaluation_scores (evaluation, scorer, content) "
            "VALUES (?, ?, ?)",
            (id, scorer, json.dumps(scores)),
        )


def find_scores(db: Database, id: str, scorer: str) -> list[list[float]] | None:
    """Of each prompt its samples' scores, perhaps of fewer than there are by now."""
    sql = "SELECT content FROM evaluation_scores WHERE evaluation = ? AND scorer = ?"
    row = next(iter(db.query(sql, [id, scorer])), None)
    return json.loads(row["content"]) if row else None


@dataclass(frozen=True)
class StoredRecord:
    """One evaluation as it was asked for and done. `content` names the samples that it shows."""

    number: int
    created_at: float
    content: Mapping[str, Any]


def add_record(db: Database, content: Mapping[str, Any]) -> StoredRecord:
    """What was recorded before, word for word, keeps its number and becomes the newest."""
    text = json.dumps(content, sort_keys=True)
    with transaction(db) as connection:
        connection.execute(
            "INSERT INTO evaluation_records (content, created_at) VALUES (?, ?) "
            "ON CONFLICT (content) DO UPDATE SET created_at = excluded.created_at",
            (text, time.time()),
        )
    return next(record for record in list_records(db) if record.content == json.loads(text))


def list_records(db: Database) -> list[StoredRecord]:
    """Newest first."""
    sql = (
        "SELECT number, created_at, content FROM evaluation_records "
        "ORDER BY created_at DESC, number DESC"
    )
    return [
        StoredRecord(row["number"], row["created_at"], json.loads(row["content"]))
        for row in db.query(sql)
    ]


def get_record(db: Database, number: int | None = None) -> StoredRecord | None:
    """That one, or the newest; None where it is not there."""
    found = list_records(db)
    return next((r for r in found if number in (None, r.number)), None)
