"""Stored evaluations: what models wrote on held-out prompts, and how it was judged.

Known by the hash of everything that the samples depend on, so that nothing is computed twice: the
base model is sampled once for all runs that are compared with it on the same prompts.
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
    """One completion. `verdict` None: it could not be judged."""

    text: str
    truncated: bool
    verdict: bool | None


@dataclass(frozen=True)
class StoredEvaluation:
    """`groups`: of each prompt its samples, equally many; `run` None: the base model."""

    id: str
    run: str | None
    step: int | None
    task: str
    seed: int
    settings: Mapping[str, Any]
    judge: str  # id of the reward set
    groups: Sequence[Sequence[JudgedSample]]
    created_at: float = 0.0

    @property
    def k(self) -> int:
        return min((len(group) for group in self.groups), default=0)


def set_evaluation(db: Database, evaluation: StoredEvaluation) -> None:
    """Write it, in the place of one with fewer samples, or with as many and fewer verdicts."""
    content = [[[s.text, s.truncated, s.verdict] for s in group] for group in evaluation.groups]
    with transaction(db) as connection:
        known = find_evaluation(db, evaluation.id)
        if known and _rank(known) >= _rank(evaluation):
            return
        connection.execute(
            "INSERT INTO evaluations (id, run, step, task, num_prompts, k, seed, settings, judge, "
            "content, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET k = excluded.k, content = excluded.content, "
            "created_at = excluded.created_at",
            (
                evaluation.id, evaluation.run, evaluation.step, evaluation.task,
                len(evaluation.groups), evaluation.k, evaluation.seed,
                json.dumps(evaluation.settings, sort_keys=True), evaluation.judge,
                json.dumps(content, ensure_ascii=False), time.time(),
            ),
        )  # fmt: skip


def _rank(evaluation: StoredEvaluation) -> tuple[int, int]:
    """Samples of each prompt, then verdicts: the higher one is kept."""
    return evaluation.k, sum(s.verdict is not None for group in evaluation.groups for s in group)


def find_evaluation(db: Database, id: str) -> StoredEvaluation | None:
    """None where it is not known yet."""
    sql = (
        "SELECT id, run, step, task, seed, settings, judge, content, created_at "
        "FROM evaluations WHERE id = ?"
    )
    row = next(iter(db.query(sql, [id])), None)
    if row is None:
        return None
    groups = [[JudgedSample(*sample) for sample in group] for group in json.loads(row["content"])]
    verdicts = [
        [JudgedSample(s.text, bool(s.truncated), s.verdict) for s in group] for group in groups
    ]
    kept = {name: row[name] for name in ("id", "run", "step", "task", "seed", "judge")}
    return StoredEvaluation(
        **kept, settings=json.loads(row["settings"]), groups=verdicts, created_at=row["created_at"]
    )


def add_request(db: Database, request: Mapping[str, Any]) -> None:
    """What was asked for becomes the newest."""
    text = json.dumps(request, sort_keys=True)
    with transaction(db) as connection:
        connection.execute("DELETE FROM evaluation_requests WHERE request = ?", (text,))
        connection.execute(
            "INSERT INTO evaluation_requests (request, created_at) VALUES (?, ?)",
            (text, time.time()),
        )


def get_newest_request(db: Database) -> dict[str, Any] | None:
    """What was asked for last; None where nothing was yet."""
    sql = "SELECT request FROM evaluation_requests ORDER BY number DESC LIMIT 1"
    row = next(iter(db.query(sql)), None)
    return json.loads(row["request"]) if row else None
