"""The index database: prompt sets, reward sets, runs and commands of one runs folder.

Prompt sets and reward sets are immutable and known by the hash of their content: adding the same
one twice is adding it once. Commands are how pages and the command line ask for something; the
supervisor answers them. Nothing here knows whether a run is alive: see `run_state.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from rft_core.config import RunConfig, make_config
from rft_core.errors import NotFoundError
from rft_core.paths import get_index_path
from rft_core.store.database import open_for_writing, transaction
from rft_core.store.migrations import INDEX_MIGRATIONS


@contextmanager
def open_index(runs_dir: Path) -> Iterator[Database]:
    db = open_for_writing(get_index_path(runs_dir), INDEX_MIGRATIONS)
    try:
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
class Command:
    id: str
    kind: str
    run: str
    created_at: float
    handled_at: float | None
    worker_pid: int | None
    worker_started: float | None
    error: str | None


# Prompt sets


def ensure_prompt_set(
    db: Database, *, id: str, name: str, task: str | None, num_rows: int, content: str
) -> None:
    with transaction(db) as connection:
        connection.execute(
            "INSERT OR IGNORE INTO prompt_sets VALUES (?, ?, ?, ?, ?, ?)",
            (id, name, task, num_rows, content, time.time()),
        )


def get_prompt_set(db: Database, id: str) -> StoredSet:
    return _one_set(db, "prompt_sets", id, "prompt set")


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
            "INSERT INTO reward_sets VALUES (?, ?, ?, ?, ?)",
            (id, name, version, content, time.time()),
        )
        return version


def get_reward_set(db: Database, id: str) -> StoredSet:
    return _one_set(db, "reward_sets", id, "reward set")


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
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)",
            (id, config.name, config.model_dump_json(), now, parent_run, parent_step),
        )
        if launch_id is not None:
            connection.execute(
                "INSERT INTO commands (id, kind, run, created_at) VALUES (?, 'launch', ?, ?)",
                (launch_id, id, now),
            )
    return id


def get_run(db: Database, id: str) -> RunRow:
    for row in db.query("SELECT * FROM runs WHERE id = ?", [id]):
        return _run(row)
    raise NotFoundError(
        f"There is no run '{id}'", "", "List the runs with: python -m rft_core runs"
    )


def list_runs(db: Database) -> list[RunRow]:
    """Newest first."""
    return [_run(row) for row in db.query("SELECT * FROM runs ORDER BY created_at DESC, id DESC")]


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
    for row in db.query("SELECT * FROM commands WHERE id = ?", [id]):
        return Command(**row)
    return None


def list_commands(
    db: Database, *, run: str | None = None, pending_only: bool = False
) -> list[Command]:
    """Oldest first."""
    where = ["1"] + (["run = :run"] if run else []) + (["handled_at IS NULL"] * pending_only)
    sql = f"SELECT * FROM commands WHERE {' AND '.join(where)} ORDER BY created_at, rowid"
    return [Command(**row) for row in db.query(sql, {"run": run} if run else {})]


def set_command_handled(
    db: Database,
    id: str,
    *,
    worker_pid: int | None = None,
    worker_started: float | None = None,
    error: str | None = None,
) -> None:
    with transaction(db) as connection:
        connection.execute(
            "UPDATE commands SET handled_at = ?, worker_pid = ?, worker_started = ?, error = ? "
            "WHERE id = ?",
            (time.time(), worker_pid, worker_started, error, id),
        )


def _one_set(db: Database, table: str, id: str, what: str) -> StoredSet:
    for row in db.query(f"SELECT * FROM {table} WHERE id = ?", [id]):
        return StoredSet(
            row["id"], row["name"], row.get("version", 0), row["created_at"], row["content"]
        )
    raise NotFoundError(f"There is no {what} '{id}'")


def _run(row: dict[str, Any]) -> RunRow:
    config = make_config(json.loads(row["config"]))
    return RunRow(
        row["id"], row["name"], config, row["created_at"], row["parent_run"], row["parent_step"]
    )
