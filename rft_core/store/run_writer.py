"""Writing a run's database. The worker that holds the run's lock is the only one who does.

A step is one transaction: its metrics, its generations with their scores, and the progress row
appear together or not at all. Starting an attempt forgets whatever was recorded after the step it
resumes from, so that nothing is ever stored twice.
"""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rft_core.paths import get_run_db_path
from rft_core.store.preflights import StoredPreflight, write_preflight
from rft_core.store.schema.run import RUN_SCHEMA
from rft_core.store.sqlite.connections import BUSY_TIMEOUT_SECONDS, sync_folder
from rft_core.store.sqlite.database import explained_writing, open_for_writing, transaction

Split = Literal["train", "validation"]
Outcome = Literal["finished", "stopped", "failed", "needs_attention"]

NO_FLAGS = "[]"
_encode = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` makes one for every value


@dataclass(frozen=True)
class PartsDone:
    """How far something long has got: `done` of `total` parts, in whatever they are counted, since
    `began_at` (seconds since the epoch)."""

    done: float
    total: float
    began_at: float


@dataclass(frozen=True)
class PromptRecord:
    """A prompt as the model sees it. `position` is its index within the step's split."""

    position: int
    row: Mapping[str, Any]
    messages: Sequence[Mapping[str, str]]
    text: str


@dataclass(frozen=True)
class GenerationRecord:
    """A completion to write, with everything that was said about it.

    `group_index` counts the groups of a step, `sample_index` the completions of a group.
    `prompt_position` points to the `PromptRecord` of the same split. `evidence`: by function.
    """

    group_index: int
    sample_index: int
    prompt_position: int
    completion: str
    num_tokens: int
    truncated: bool
    reward: float | None
    advantage: float | None
    scores: Mapping[str, float | None]
    reasons: Mapping[str, str]
    flags: tuple[str, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StepRecord:
    """All that one step (or one validation after it) leaves behind.

    `elapsed` (training seconds since step 0, over all attempts) and `tokens` (completion tokens
    since step 0) are kept for training steps and ignored for validation. `prompts`: those that the
    generations point to; each is stored once, with the first step that has it, and never changes.
    `phases`: the seconds spent in each phase since step 0, over all attempts, the validation
    included.
    """

    step: int
    split: Split
    metrics: Mapping[str, float]
    generations: Sequence[GenerationRecord] = ()
    prompts: Sequence[PromptRecord] = ()
    elapsed: float = 0.0
    tokens: int = 0
    phases: Mapping[str, float] = field(default_factory=dict)


class RunWriter:
    """The single writer of `runs/<run_id>/run.db`."""

    def __init__(self, runs_dir: Path, run_id: str) -> None:
        self._path = get_run_db_path(runs_dir, run_id)
        self._db = open_for_writing(self._path, RUN_SCHEMA)
        self._attempt = 0
        self._prompt_ids: dict[str, dict[int, int]] = {}

    def close(self) -> None:
        self._db.close()

    def start_attempt(
        self, *, from_step: int, pid: int, pid_started: float = 0.0, command: str | None = None
    ) -> int:
        """Begin a life of the worker at `from_step`; forget what was recorded after it.

        From step 0 everything is forgotten: the validation before training is made again too.
        `pid_started` as in `ProcessIdentity`; `command` is the one that this life answers.
        """
        kept = from_step if from_step > 0 else -1
        with transaction(self._db) as connection:
            _note_return(connection, from_step)
            for table in ("generations", "metrics", "steps", "phases", "checkpoints"):
                connection.execute(f"DELETE FROM {table} WHERE step > ?", (kept,))
            if from_step > 0:  # it lies there, though a power cut may have taken its row
                connection.execute(
                    "INSERT OR IGNORE INTO checkpoints (step, resumable, created_at) "
                    "VALUES (?, 1, ?)",
                    (from_step, time.time()),
                )
            cursor = connection.execute(
                "INSERT INTO attempts (command, from_step, pid, pid_started, started_at) "
                "VALUES (?, ?, ?, ?, ?)",
                (command, from_step, pid, pid_started, time.time()),
            )
            self._attempt = int(cursor.lastrowid or 0)
            connection.execute(
                "UPDATE progress SET phase = 'loading', detail = '', step = ?, updated_at = ?, "
                "done = NULL, total = NULL, began_at = NULL",
                (from_step, time.time()),
            )
        return self._attempt

    def end_attempt(self, outcome: Outcome, message: str = "") -> None:
        with transaction(self._db) as connection:
            connection.execute(
                "UPDATE attempts SET ended_at = ?, outcome = ?, message = ? WHERE attempt = ?",
                (time.time(), outcome, _storable(message), self._attempt),
            )

    def set_sandbox_tier(self, tier: str | None) -> None:
        """Under which tier this attempt grades; None: nothing in it runs code."""
        with transaction(self._db) as connection:
            connection.execute(
                "UPDATE attempts SET sandbox_tier = ? WHERE attempt = ?", (tier, self._attempt)
            )

    def set_progress(
        self,
        phase: str,
        detail: str = "",
        *,
        step: int,
        max_steps: int,
        parts: PartsDone | None = None,
    ) -> None:
        """What the worker does now: loading, training, validating, saving ..."""
        with transaction(self._db) as connection:
            _write_progress(connection, phase, detail, (step, max_steps), parts)

    def add_event(self, kind: str, message: str) -> None:
        with transaction(self._db) as connection:
            _write_event(connection, kind, message)

    def _get_prompt_ids(self, split: Split) -> dict[int, int]:
        """By position. Read once: we alone write them."""
        if split not in self._prompt_ids:
            sql = "SELECT position, id FROM prompts WHERE split = ?"
            self._prompt_ids[split] = dict(self._db.execute(sql, [split]))
        return self._prompt_ids[split]

    def record_step(self, record: StepRecord, *, max_steps: int) -> None:
        """Store a step whole, in one transaction."""
        prompt_ids = self._get_prompt_ids(record.split)
        with transaction(self._db) as connection:
            added = _write_prompts(connection, record, prompt_ids)
            if record.split == "train":
                connection.execute(
                    "INSERT INTO steps (step, finished_at, elapsed, tokens) VALUES (?, ?, ?, ?)",
                    (record.step, time.time(), record.elapsed, record.tokens),
                )
            connection.executemany(
                "INSERT OR REPLACE INTO metrics (step, split, name, value) VALUES (?, ?, ?, ?)",
                [
                    (record.step, record.split, name, _as_gap(float(value)))
                    for name, value in record.metrics.items()
                ],
            )
            _write_phases(connection, record.step, record.phases)
            _write_generations(connection, record, prompt_ids | added)
            _write_progress(connection, "training", "", (record.step, max_steps))
        prompt_ids |= added

    def record_preflight(self, found: StoredPreflight) -> None:
        with transaction(self._db) as connection:  # a resume from step 0 does not forget it
            write_preflight(connection, found)

    def make_durable(self) -> None:
        """Return once all that was recorded survives a power cut.

        A checkpoint may be published only afterwards: it must not be newer than the record.
        """
        with explained_writing(self._path):
            self._db.execute("PRAGMA busy_timeout = 1000")
            # Moves the log into the database and syncs both, unless a reader is in the way.
            is_busy = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
            if is_busy:  # then sync the log itself, which a commit does at this level
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.execute(f"PRAGMA user_version = {len(RUN_SCHEMA.names)}")
                self._db.execute("PRAGMA synchronous = NORMAL")
        sync_folder(self._path.parent)
        sync_folder(self._path.parent.parent)

    def add_checkpoint(
        self, *, step: int, resumable: bool, phases: Mapping[str, float] | None = None
    ) -> None:
        """`phases` as of a `StepRecord`, the saving of this checkpoint included."""
        with transaction(self._db) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO checkpoints (step, resumable, created_at) VALUES (?, ?, ?)",
                (step, int(resumable), time.time()),
            )
            _write_phases(connection, step, phases or {})

    def set_checkpoint_not_resumable(self, step: int) -> None:
        """Its optimizer state was pruned; the adapter remains."""
        with transaction(self._db) as connection:
            connection.execute("UPDATE checkpoints SET resumable = 0 WHERE step = ?", (step,))


def _as_gap(value: float) -> float:
    """What is not finite is kept as infinity, which readers turn into a gap: NaN would be NULL."""
    return value if math.isfinite(value) else math.inf


def _note_return(connection: sqlite3.Connection, from_step: int) -> None:
    """Tell a run that had begun before where it goes on, and what that replaces."""
    if not connection.execute("SELECT 1 FROM attempts").fetchone():
        return
    last = int(connection.execute("SELECT coalesce(max(step), 0) FROM steps").fetchone()[0])
    again = f"steps {from_step + 1} to {last} are" if last > from_step + 1 else f"step {last} is"
    replaced = f"; {again} made again" if last > from_step else ""
    _write_event(connection, "resumed", f"Goes on from step {from_step}{replaced}")


def _write_phases(connection: sqlite3.Connection, step: int, phases: Mapping[str, float]) -> None:
    """In place of what was known when the step had just been recorded."""
    connection.executemany(
        "INSERT OR REPLACE INTO phases (step, phase, seconds) VALUES (?, ?, ?)",
        [(step, phase, seconds) for phase, seconds in phases.items()],
    )


def _write_prompts(
    connection: sqlite3.Connection, record: StepRecord, known: Mapping[int, int]
) -> dict[int, int]:
    """Those that are not stored yet. Returns their ids by position."""
    new = {prompt.position: prompt for prompt in record.prompts if prompt.position not in known}
    sql = "INSERT INTO prompts (split, position, row, messages, text) VALUES (?, ?, ?, ?, ?)"
    return {
        position: int(
            connection.execute(
                sql,
                (record.split, position, _json(p.row), _json(p.messages), _storable(p.text)),
            ).lastrowid
            or 0
        )
        for position, p in new.items()
    }


def _write_generations(
    connection: sqlite3.Connection, record: StepRecord, prompt_ids: Mapping[int, int]
) -> None:
    if not record.generations:
        return
    first_id = 1 + int(
        connection.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'generations'"
        ).fetchone()[0]
        or 0
    )
    numbered = list(enumerate(record.generations, start=first_id))
    connection.executemany(
        "INSERT INTO generations (id, step, split, group_index, sample_index, prompt_id, "
        "completion, num_tokens, truncated, reward, advantage, flags) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                id, record.step, record.split, g.group_index, g.sample_index,
                prompt_ids[g.prompt_position], _storable(g.completion), g.num_tokens,
                int(g.truncated), g.reward, g.advantage, _json(g.flags) if g.flags else NO_FLAGS,
            )
            for id, g in numbered
        ),
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO scores (generation_id, name, score, reason) VALUES (?, ?, ?, ?)",
        (
            (id, name, score, _storable(g.reasons.get(name, "")))
            for id, g in numbered
            for name, score in g.scores.items()
        ),
    )
    connection.executemany(
        "INSERT INTO evidence (generation_id, name, content) VALUES (?, ?, ?)",
        ((id, name, _storable(shown)) for id, g in numbered for name, shown in g.evidence.items()),
    )


def _write_event(connection: sqlite3.Connection, kind: str, message: str) -> None:
    connection.execute(
        "INSERT INTO events (time, kind, message) VALUES (?, ?, ?)",
        (time.time(), kind, _storable(message)),
    )


def _write_progress(
    connection: sqlite3.Connection,
    phase: str,
    detail: str,
    steps: tuple[int, int],
    parts: PartsDone | None = None,
) -> None:
    known = (parts.done, parts.total, parts.began_at) if parts else (None, None, None)
    connection.execute(
        "INSERT OR REPLACE INTO progress "
        "(id, phase, detail, step, max_steps, updated_at, done, total, began_at) "
        "VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
        (phase, detail, *steps, time.time(), *known),
    )


def _json(value: Any) -> str:
    return _storable(_encode(value))


def _storable(text: str) -> str:
    """SQLite takes no lone surrogates, which a JSON file or a user's reason may hold: '?' each."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
