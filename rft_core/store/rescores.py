"""What other rewards would have given on a run: `rescores.db` beside the run's own database.

The worker stays the only writer of `run.db`; here each reward set has one writer at a time, which
holds a lock for as long as it lives. Steps are stored one by one, so that scoring can end anywhere
and go on later: a step that was scored is not scored again unless the run made it again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rft_core.errors import NotFoundError
from rft_core.paths import get_rescore_lock_path, get_rescores_path, get_run_dir
from rft_core.store.schema.rescores import RESCORES_SCHEMA
from rft_core.store.sqlite.database import (
    open_for_writing,
    read_of_run,
    read_rows,
    transaction,
)
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.process_identity import ProcessIdentity
from rft_core.store.state.run_lock import is_locked
from rft_core.store.step_reader import StepKey

STEP_COLUMNS = (
    "reward_set", "split", "step", "last_generation", "elapsed", "tokens", "scored_at",
)  # fmt: skip

RescoreOutcome = Literal["finished", "stopped", "failed"]

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Tally:
    """Counts over completions, and over the groups of training steps.

    `compared`: those of training, which had an advantage. `encouraged`: theirs was negative and
    would have been positive; `discouraged`: the other way round. `woken` groups taught nothing and
    would have taught; `silenced` the reverse.
    """

    generations: int = 0
    unscored: int = 0
    flagged: int = 0
    compared: int = 0
    encouraged: int = 0
    discouraged: int = 0
    groups: int = 0
    woken: int = 0
    silenced: int = 0


@dataclass(frozen=True)
class RescoredStep:
    """A step under other rewards; `metrics` have the names that they have in the run."""

    key: StepKey
    tally: Tally
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Rescore:
    """How far the scoring with one reward set has come. `attempt` counts its beginnings."""

    reward_set: str
    attempt: int
    pid: int
    pid_started: float
    updated_at: float
    done: int
    total: int
    outcome: str | None
    message: str
    is_running: bool = field(default=False, metadata={"column": False})

    @property
    def process(self) -> ProcessIdentity:
        return ProcessIdentity(self.pid, self.pid_started)

    @property
    def state(self) -> str:
        """running, finished, stopped, failed, or interrupted: it died without a word."""
        return "running" if self.is_running else self.outcome or "interrupted"


class RescoreWriter:
    """The single writer of one reward set's results; its maker holds the lock."""

    def __init__(self, runs_dir: Path, run_id: str, reward_set: str) -> None:
        self._db = open_for_writing(get_rescores_path(runs_dir, run_id), RESCORES_SCHEMA)
        self._reward_set = reward_set

    def close(self) -> None:
        self._db.close()

    def begin(self, process: ProcessIdentity) -> None:
        """A new attempt; what earlier ones stored stays."""
        with transaction(self._db) as connection:
            connection.execute(
                "INSERT INTO rescores (reward_set, attempt, pid, pid_started, updated_at, "
                "done, total, outcome, message) VALUES (?, 1, ?, ?, ?, 0, 0, NULL, '') "
                "ON CONFLICT (reward_set) DO UPDATE SET attempt = attempt + 1, pid = excluded.pid, "
                "pid_started = excluded.pid_started, updated_at = excluded.updated_at, "
                "outcome = NULL, message = ''",
                (self._reward_set, process.pid, process.started, time.time()),
            )

    def keep_only(self, keys: Sequence[StepKey]) -> list[StepKey]:
        """Forget the steps that the run no longer has; those still to be scored, in order."""
        wanted = {(key.split, key.step): key.last_generation for key in keys}
        sql = "SELECT split, step, last_generation FROM steps WHERE reward_set = ?"
        stored = {(s, step): last for s, step, last in self._db.execute(sql, [self._reward_set])}
        gone = [place for place, last in stored.items() if wanted.get(place) != last]
        with transaction(self._db) as connection:
            for table in ("steps", "metrics"):
                connection.executemany(
                    f"DELETE FROM {table} WHERE reward_set = ? AND split = ? AND step = ?",
                    [(self._reward_set, *place) for place in gone],
                )
        kept = stored.keys() - set(gone)
        return [key for key in keys if (key.split, key.step) not in kept]

    def add_steps(self, steps: Sequence[RescoredStep], *, done: int, total: int) -> None:
        """Store steps and how far that brings it, in one transaction."""
        columns = [*STEP_COLUMNS, *(field.name for field in fields(Tally))]
        marks = ", ".join("?" * len(columns))
        with transaction(self._db) as connection:
            connection.executemany(
                f"INSERT INTO steps ({', '.join(columns)}) VALUES ({marks})",
                [
                    (
                        self._reward_set, s.key.split, s.key.step, s.key.last_generation,
                        s.key.elapsed, s.key.tokens, time.time(), *asdict(s.tally).values(),
                    )
                    for s in steps
                ],
            )  # fmt: skip
            connection.executemany(
                "INSERT INTO metrics (reward_set, split, step, name, value) VALUES (?, ?, ?, ?, ?)",
                [
                    (self._reward_set, step.key.split, step.key.step, name, float(value))
                    for step in steps
                    for name, value in step.metrics.items()
                    if math.isfinite(value)
                ],
            )
            connection.execute(
                "UPDATE rescores SET done = ?, total = ?, updated_at = ? WHERE reward_set = ?",
                (done, total, time.time(), self._reward_set),
            )

    def end(self, outcome: RescoreOutcome, message: str = "") -> None:
        text = message.encode("utf-8", "replace").decode("utf-8")  # SQLite takes no lone surrogates
        with transaction(self._db) as connection:
            connection.execute(
                "UPDATE rescores SET outcome = ?, message = ?, updated_at = ? WHERE reward_set = ?",
                (outcome, text, time.time(), self._reward_set),
            )


def open_rescores(runs_dir: Path, run_id: str) -> AbstractContextManager[Database]:
    """Raises `NotFoundError` while nothing was scored again, and `UnreadableRunError`."""
    any_lock = get_rescore_lock_path(runs_dir, run_id, "*").name
    locks = list(get_run_dir(runs_dir, run_id).glob(any_lock))
    path = get_rescores_path(runs_dir, run_id)
    return read_of_run(run_id, path, RESCORES_SCHEMA, locks=locks)


def list_rescores(runs_dir: Path, run_id: str) -> list[Rescore]:
    """Newest first; empty where nothing was scored again."""
    try:
        with open_rescores(runs_dir, run_id) as db:
            # The locks before the rest: who ends in between has then spoken before it is read.
            known = [row[0] for row in db.execute("SELECT reward_set FROM rescores")]
            locked = {id for id in known if is_locked(get_rescore_lock_path(runs_dir, run_id, id))}
            rows = read_rows(db, Rescore, "FROM rescores ORDER BY updated_at DESC")
    except NotFoundError:
        return []
    return [replace(row, is_running=row.reward_set in locked) for row in rows]


def get_rescore(runs_dir: Path, run_id: str, reward_set: str) -> Rescore | None:
    found = [r for r in list_rescores(runs_dir, run_id) if r.reward_set == reward_set]
    return found[0] if found else None


def get_tally(db: Database, reward_set: str) -> Tally:
    """Over everything that was scored so far."""
    sums = ", ".join(f"coalesce(sum({field.name}), 0)" for field in fields(Tally))
    sql = f"SELECT {sums} FROM steps WHERE reward_set = ?"
    return Tally(*db.execute(sql, [reward_set]).fetchone())


def rescored_frame(db: Database, reward_set: str, *, after_id: int = 0) -> pd.DataFrame:
    """The metrics under this reward set, in the shape of `run_reader.metrics_frame`."""
    import pandas as pd  # only where a table is asked for: it takes long to load

    sql = (
        "SELECT m.id, m.step, m.split, m.name, m.value, s.elapsed, s.tokens FROM metrics m "
        "JOIN steps s USING (reward_set, split, step) "
        "WHERE m.reward_set = ? AND m.id > ? ORDER BY m.id"
    )
    columns = ["id", "step", "split", "name", "value", "elapsed", "tokens"]
    return pd.DataFrame(db.execute(sql, [reward_set, after_id]).fetchall(), columns=columns)
