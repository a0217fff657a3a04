"""Reading a run's database: metrics as they grow, progress, attempts, checkpoints, events.

Generations have a file of their own, `generations.py`. Everything here is read-only, opens
its own connection through `open_run`, and reads only what is new where a caller polls.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rft_core.errors import NotFoundError
from rft_core.paths import get_run_db_path, get_worker_lock_path
from rft_core.store.schema.run import RUN_SCHEMA
from rft_core.store.sqlite.database import read_of_run, read_rows
from rft_core.store.sqlite.without_pandas import Database

if TYPE_CHECKING:
    import pandas as pd


def open_run(runs_dir: Path, run_id: str) -> AbstractContextManager[Database]:
    """Raises `NotFoundError` until the worker has made the database, and `UnreadableRunError`
    where it is damaged or of a newer version, be that found while opening it or while reading.

    That of an older version is migrated, or read as a copy while its worker lives.
    """
    path, lock = get_run_db_path(runs_dir, run_id), get_worker_lock_path(runs_dir, run_id)
    return read_of_run(run_id, path, RUN_SCHEMA, locks=[lock])


def has_database(runs_dir: Path, run_id: str) -> bool:
    """Whether the worker of this run has got as far as making its database."""
    try:
        with open_run(runs_dir, run_id):
            return True
    except NotFoundError:
        return False


@dataclass(frozen=True)
class WorkerLife:
    """`sandbox_tier`: what code rewards were locked in by; None where no code was run."""

    attempt: int
    command: str | None
    from_step: int
    pid: int
    pid_started: float
    started_at: float
    ended_at: float | None
    outcome: str | None
    message: str | None
    sandbox_tier: str | None = None


@dataclass(frozen=True)
class RunProgress:
    """What the worker does now. Where that is long and has a known end, `done` of `total` parts of
    it, which may be broken ones, are over since `began_at`; None elsewhere.
    """

    phase: str
    detail: str
    step: int
    max_steps: int
    updated_at: float
    done: float | None = None
    total: float | None = None
    began_at: float | None = None

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where no end is known."""
        return min(self.done / self.total, 1.0) if self.total and self.done is not None else None

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None before there is one."""
        if not self.share or self.began_at is None:
            return None
        return max(0.0, self.updated_at - self.began_at) * (1 - self.share) / self.share


@dataclass(frozen=True)
class Checkpoint:
    """`resumable`: it holds optimizer and RNG state; every checkpoint holds the adapter.

    It lies in `paths.get_checkpoint_dir`.
    """

    step: int
    resumable: bool
    created_at: float


def list_attempts(db: Database) -> list[WorkerLife]:
    return read_rows(db, WorkerLife, "FROM attempts ORDER BY attempt")


def get_progress(db: Database) -> RunProgress | None:
    return next(iter(read_rows(db, RunProgress, "FROM progress")), None)


def list_checkpoints(db: Database) -> list[Checkpoint]:
    return [
        Checkpoint(row["step"], bool(row["resumable"]), row["created_at"])
        for row in db.query("SELECT step, resumable, created_at FROM checkpoints ORDER BY step")
    ]


def events_frame(db: Database, *, limit: int = 200) -> pd.DataFrame:
    """Newest first: time (seconds since the epoch), kind, message."""
    import pandas as pd  # only where a table is asked for: it takes long to load

    sql = "SELECT time, kind, message FROM events ORDER BY id DESC LIMIT ?"
    return pd.DataFrame(db.query(sql, [limit]), columns=["time", "kind", "message"])


def metrics_frame(db: Database, *, after_id: int = 0, limit: int | None = None) -> pd.DataFrame:
    """Metrics stored after `after_id`, in order: id, step, split, name, value, elapsed, tokens.

    Pass the largest id seen to read only what is new. `elapsed` is in seconds and `tokens` counts
    completion tokens, both since step 0. A value that was not finite is NaN: a gap in its curve.
    """
    import pandas as pd  # only where a table is asked for: it takes long to load

    sql = (
        "SELECT m.id, m.step, m.split, m.name, m.value, "
        "coalesce(s.elapsed, 0) AS elapsed, coalesce(s.tokens, 0) AS tokens FROM metrics m "
        "LEFT JOIN steps s ON s.step = m.step WHERE m.id > ? ORDER BY m.id LIMIT ?"
    )
    columns = ["id", "step", "split", "name", "value", "elapsed", "tokens"]
    most = -1 if limit is None else limit
    frame = pd.DataFrame(db.execute(sql, [after_id, most]).fetchall(), columns=columns)
    return frame.replace({"value": [math.inf, -math.inf]}, math.nan)


def last_metrics(db: Database, split: str = "train") -> dict[str, float]:
    """The metrics of a split's newest step, without those that were not finite."""
    sql = (
        "SELECT name, value FROM metrics WHERE split = :split AND step = "
        "(SELECT max(step) FROM metrics WHERE split = :split)"
    )
    rows = db.query(sql, {"split": split})
    return {row["name"]: row["value"] for row in rows if math.isfinite(row["value"])}


def training_seconds(db: Database) -> float:
    """Seconds spent on the steps that are recorded, over all attempts."""
    row = db.execute("SELECT elapsed FROM steps ORDER BY step DESC LIMIT 1").fetchone()
    return float(row[0]) if row else 0.0


def recent_step_seconds(db: Database, window: int = 20) -> float | None:
    """The mean over the newest steps, with the validations and saves between them."""
    sql = "SELECT step, elapsed FROM steps ORDER BY step DESC LIMIT ?"
    rows = db.execute(sql, [window + 1]).fetchall()
    if not rows:
        return None
    (last, until), (first, since) = rows[0], rows[-1] if len(rows) > 1 else (0, 0.0)
    return float((until - since) / (last - first))


def last_step_without_gap(db: Database) -> int:
    """The step up to which every step is recorded; 0 when there is none.

    A resume may go on from a checkpoint of at most this step, or steps would be missing for ever.
    """
    ends = "(SELECT min(step) FROM steps), (SELECT max(step) FROM steps)"
    first, last, count = db.execute(f"SELECT {ends}, count(*) FROM steps").fetchone()
    if first == 1 and last == count:  # as good as always, and told without a look at each step
        return int(count)
    sql = (
        "SELECT coalesce(min(s.step), 0) FROM steps s "
        "WHERE NOT EXISTS (SELECT 1 FROM steps n WHERE n.step = s.step + 1)"
    )
    has_first = db.execute("SELECT 1 FROM steps WHERE step = 1").fetchone()
    return int(db.execute(sql).fetchone()[0]) if has_first else 0


def tokens_trained(db: Database) -> int:
    row = db.execute("SELECT tokens FROM steps ORDER BY step DESC LIMIT 1").fetchone()
    return int(row[0]) if row else 0


def validated_steps(db: Database) -> frozenset[int]:
    """The steps after which there was a whole validation; 0: before training."""
    sql = "SELECT DISTINCT step FROM metrics WHERE split = 'validation'"
    return frozenset(step for (step,) in db.execute(sql))


def validation_values(db: Database, name: str) -> dict[int, float]:
    """What validations measured under that name, by the step after which they were made."""
    sql = "SELECT step, value FROM metrics WHERE split = 'validation' AND name = ? ORDER BY step"
    return dict(db.execute(sql, [name]).fetchall())


def silent_functions(db: Database) -> dict[str, str]:
    """The reward functions that could score no completion of any training step, and why not."""
    sql = (
        "SELECT name FROM metrics WHERE split = 'train' AND name LIKE 'rewards/%/unscored' "
        "GROUP BY name HAVING min(value) >= 1"
    )
    names = [name.removeprefix("rewards/").removesuffix("/unscored") for (name,) in db.execute(sql)]
    why = (
        "SELECT reason FROM scores WHERE name = ? AND score IS NULL AND reason <> '' "
        "ORDER BY generation_id DESC LIMIT 1"
    )
    found = {name: db.execute(why, [name]).fetchone() for name in names}
    return {name: reason[0] if reason else "" for name, reason in found.items()}


def reward_means(db: Database) -> dict[str, dict[int, float]]:
    """Of each reward function its mean over the completions of each training step."""
    sql = (
        "SELECT name, step, value FROM metrics WHERE split = 'train' AND name LIKE 'rewards/%/mean'"
    )
    found: dict[str, dict[int, float]] = {}
    for name, step, value in db.execute(sql):
        function = name.removeprefix("rewards/").removesuffix("/mean")
        found.setdefault(function, {})[step] = value
    return found
