"""The index database: prompt sets, reward sets, runs and commands of one runs folder.

Prompt sets and reward sets are immutable and known by the hash of their content: adding the same
one twice is adding it once. Commands are how pages and the command line ask for something; the
supervisor answers them. Nothing here knows whether a run is alive: see `run_state.py`. A run whose
settings this version cannot read is listed apart, and hides no other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from rft_core.config import RunConfig, make_config
from rft_core.errors import BadInputError, DiskFullError, NotFoundError, NotWritableError
from rft_core.paths import get_index_path
from rft_core.store.database import (
    explained_reading,
    open_for_reading,
    open_for_writing,
    read_rows,
    transaction,
)
from rft_core.store.schema.index import INDEX_SCHEMA

START_KINDS = ("launch", "resume")
STOP_KINDS = ("stop", "kill")
_RUN_COLUMNS = "id, name, config, created_at, parent_run, parent_step"


@contextmanager
def open_index(runs_dir: Path) -> Iterator[Database]:
    """Open it, made and migrated as needed; where nothing can be written, to read it only.

    Writing then says why it cannot. Raises `NewerDatabaseError` and `DamagedDatabaseError`.
    """
    path = get_index_path(runs_dir)
    try:
        db = open_for_writing(path, INDEX_SCHEMA)
    except (DiskFullError, NotWritableError):
        if not path.exists():
            raise
        db = open_for_reading(path, INDEX_SCHEMA)
    try:
        with explained_reading(path):
            yield db
    finally:
        db.close()


@dataclass(frozen=True)
class StoredSet:
    """A prompt set or reward set as listed; `content` is its JSON. `version` is 0 for prompts."""

    id: str
    name: str
    version: int
    created_at: float
    content: str


@dataclass(frozen=True)
class RunRow:
    id: str
    name: str
    config: RunConfig
    created_at: float
    parent_run: str | None
    parent_step: int | None


@dataclass(frozen=True)
class UnreadableRun:
    """A run whose settings are not those of this version. `problem` says which."""

    id: str
    name: str
    created_at: float
    problem: str


@dataclass(frozen=True)
class Command:
    """`number` gives the order in which commands were asked; no clock does.

    `backend` started the worker, and knows it by `handle`, which nobody else reads.
    """

    number: int
    id: str
    kind: str
    run: str
    created_at: float
    handled_at: float | None
    worker_pid: int | None
    worker_started: float | None
    worker_ended_at: float | None
    error: str | None
    backend: str = "local"
    handle: str | None = None


# Prompt sets


def ensure_prompt_set(
    db: Database, *, id: str, name: str, task: str | None, num_rows: int, content: str
) -> None:
    with transaction(db) as connection:
        connection.execute(
            "INSERT OR IGNORE INTO prompt_sets (id, name, task, num_rows, content, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (id, name, task, num_rows, content, time.time()),
        )


def get_prompt_set(db: Database, id: str) -> StoredSet:
    return _one_set(
        db, "SELECT id, name, 0, created_at, content FROM prompt_sets", id, "prompt set"
    )


def list_prompt_sets(db: Database) -> list[dict[str, Any]]:
    """Newest first, without the content."""
    columns = "id, name, task, num_rows, created_at"
    return list(db.query(f"SELECT {columns} FROM prompt_sets ORDER BY created_at DESC"))


# Reward sets


def ensure_reward_set(db: Database, *, id: str, name: str, content: str) -> int:
    """Store and return its version: 1, 2, ... under its name; an unchanged set keeps its own."""
    with transaction(db) as connection:
        row = connection.execute("SELECT version FROM reward_sets WHERE id = ?", (id,)).fetchone()
        if row:
            return int(row[0])
        version = 1 + int(
            connection.execute(
                "SELECT coalesce(max(version), 0) FROM reward_sets WHERE name = ?", (name,)
            ).fetchone()[0]
        )
        connection.execute(
            "INSERT INTO reward_sets (id, name, version, content, created_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (id, name, version, content, time.time()),
        )
        return version


def get_reward_set(db: Database, id: str) -> StoredSet:
    sql = "SELECT id, name, version, created_at, content FROM reward_sets"
    return _one_set(db, sql, id, "reward set")


def list_reward_sets(db: Database) -> list[dict[str, Any]]:
    """Newest first, without the content."""
    columns = "id, name, version, created_at"
    return list(
        db.query(f"SELECT {columns} FROM reward_sets ORDER BY created_at DESC, version DESC")
    )


# Runs


def add_run(
    db: Database,
    *,
    id: str,
    config: RunConfig,
    parent_run: str | None = None,
    parent_step: int | None = None,
    launch_id: str | None = None,
) -> str:
    """Add a run and, with `launch_id`, the command that starts it, in one transaction.

    Returns the run's id: that of the earlier run when a command with this id was already there.
    """
    now = time.time()
    with transaction(db) as connection:
        query = "SELECT run FROM commands WHERE id = ?"
        if earlier := connection.execute(query, (launch_id,)).fetchone():
            return str(earlier[0])
        connection.execute(
            "INSERT INTO runs (id, name, config, created_at, parent_run, parent_step) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (id, config.name, config.model_dump_json(), now, parent_run, parent_step),
        )
        if launch_id is not None:
            connection.execute(
                "INSERT INTO commands (id, kind, run, created_at) VALUES (?, 'launch', ?, ?)",
                (launch_id, id, now),
            )
    return id


def get_run(db: Database, id: str) -> RunRow:
    for row in db.query(f"SELECT {_RUN_COLUMNS} FROM runs WHERE id = ?", [id]):
        return _run(row)
    raise _no_run(id)


def check_run_exists(db: Database, id: str) -> None:
    """Raise `NotFoundError` unless it does; its settings need not be readable."""
    if not db.execute("SELECT 1 FROM runs WHERE id = ?", [id]).fetchone():
        raise _no_run(id)


def list_runs(db: Database) -> list[RunRow]:
    """Those that can be read, newest first."""
    return [run for run in _read_runs(db) if isinstance(run, RunRow)]


def list_unreadable_runs(db: Database) -> list[UnreadableRun]:
    """Newest first."""
    return [run for run in _read_runs(db) if isinstance(run, UnreadableRun)]


def delete_run(db: Database, id: str) -> None:
    with transaction(db) as connection:
        connection.execute("DELETE FROM commands WHERE run = ?", (id,))
        connection.execute("DELETE FROM runs WHERE id = ?", (id,))


# Commands


def add_command(db: Database, *, id: str, kind: str, run: str) -> bool:
    """False when a command with this id was already there (a double click)."""
    with transaction(db) as connection:
        cursor = connection.execute(
            "INSERT OR IGNORE INTO commands (id, kind, run, created_at) VALUES (?, ?, ?, ?)",
            (id, kind, run, time.time()),
        )
        return cursor.rowcount == 1


def find_command(db: Database, id: str) -> Command | None:
    return next(iter(read_rows(db, Command, "FROM commands WHERE id = ?", [id])), None)


def list_commands(
    db: Database, *, run: str | None = None, pending_only: bool = False
) -> list[Command]:
    """Oldest first."""
    where = ["1"] + (["run = :run"] if run else []) + (["handled_at IS NULL"] * pending_only)
    rest = f"FROM commands WHERE {' AND '.join(where)} ORDER BY number"
    return read_rows(db, Command, rest, {"run": run} if run else {})


def get_last_start(commands: Sequence[Command]) -> Command | None:
    """The newest request to start, which a worker that begins now answers."""
    return next((c for c in reversed(commands) if c.kind in START_KINDS), None)


def set_command_handled(
    db: Database,
    id: str,
    *,
    worker_pid: int | None = None,
    worker_started: float | None = None,
    error: str | None = None,
    backend: str = "local",
    handle: str | None = None,
) -> None:
    with transaction(db) as connection:
        connection.execute(
            "UPDATE commands SET handled_at = ?, worker_pid = ?, worker_started = ?, error = ?, "
            "backend = ?, handle = ? WHERE id = ?",
            (time.time(), worker_pid, worker_started, error, backend, handle, id),
        )


def set_worker_ended(db: Database, id: str, *, error: str | None = None) -> None:
    """The worker that answered this command is gone; `error` is why it never began."""
    with transaction(db) as connection:
        connection.execute(
            "UPDATE commands SET worker_ended_at = ?, error = ? WHERE id = ?",
            (time.time(), error, id),
        )


def _one_set(db: Database, select: str, id: str, what: str) -> StoredSet:
    for row in db.execute(f"{select} WHERE id = ?", [id]):
        return StoredSet(*row)
    raise NotFoundError(
        f"There is no {what} '{id}'", "", "List the stored sets with: python -m rft_core sets"
    )


def _no_run(id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no run '{id}'", "", "List the runs with: python -m rft_core runs"
    )


def _read_runs(db: Database) -> Iterator[RunRow | UnreadableRun]:
    for row in db.query(f"SELECT {_RUN_COLUMNS} FROM runs ORDER BY created_at DESC, id DESC"):
        try:
            yield _run(row)
        except BadInputError as error:
            yield UnreadableRun(row["id"], row["name"], row["created_at"], error.why)


def _run(row: dict[str, Any]) -> RunRow:
    try:
        config = make_config(json.loads(row["config"]))
    except (BadInputError, ValueError, TypeError) as error:
        raise BadInputError(
            f"The settings of run '{row['id']}' cannot be read",
            error.why if isinstance(error, BadInputError) else str(error),
            "Use the version of RFT Studio that made it, or delete it",
        ) from error
    return RunRow(
        row["id"], row["name"], config, row["created_at"], row["parent_run"], row["parent_step"]
    )
