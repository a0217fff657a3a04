"""Runs in the index: their settings, and where they came from.

Nothing here knows whether a run is alive: see `state/rules.py`. A run whose settings this version
cannot read is listed apart, and hides no other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from rft_core.config import RunConfig, restore_config
from rft_core.errors import BadInputError, NotFoundError
from rft_core.store.commands import LOCAL
from rft_core.store.sqlite.database import transaction
from rft_core.store.sqlite.without_pandas import Database

_COLUMNS = "id, name, config, created_at, parent_run, parent_step"


@dataclass(frozen=True)
class RunRow:
    id: str
    name: str
    config: RunConfig
    created_at: float
    parent_run: str | None
    parent_step: int | None

    @property
    def label(self) -> str:
        return label_run(self.id, self.name)


@dataclass(frozen=True)
class UnreadableRun:
    """A run whose settings are not those of this version. `problem` says which."""

    id: str
    name: str
    created_at: float
    problem: str

    @property
    def label(self) -> str:
        return label_run(self.id, self.name)


def label_run(id: str, name: str) -> str:
    """The name, and the end of the id (time and a few random letters) to tell namesakes apart."""
    return f"{name}  ·  {id[-9:]}" if name else id


def add_run(
    db: Database,
    *,
    id: str,
    config: RunConfig,
    parent_run: str | None = None,
    parent_step: int | None = None,
    launch_id: str | None = None,
    backend: str = LOCAL,
) -> str:
    """Add a run and, with `launch_id`, the command that starts it, in one transaction.

    Returns the run's id: that of the earlier run when a command with this id was already there.
    """
    now = time.time()
    with transaction(db) as connection:
        query = "SELECT run FROM commands WHERE id = ?"
        if earlier := connection.execute(query, (launch_id,)).fetchone():
            return str(earlier[0])
        connection.execute("DELETE FROM deleted_runs WHERE id = ?", (id,))
        connection.execute(
            "INSERT INTO runs (id, name, config, created_at, parent_run, parent_step) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (id, config.name, config.model_dump_json(), now, parent_run, parent_step),
        )
        if launch_id is not None:
            connection.execute(
                "INSERT INTO commands (id, kind, run, created_at, backend) "
                "VALUES (?, 'launch', ?, ?, ?)",
                (launch_id, id, now, backend),
            )
    return id


def get_run(db: Database, id: str) -> RunRow:
    for row in db.query(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", [id]):
        return _run(row)
    raise _no_run(id)


def check_run_exists(db: Database, id: str) -> None:
    """Raise `NotFoundError` unless it does; its settings need not be readable."""
    if not db.execute("SELECT 1 FROM runs WHERE id = ?", [id]).fetchone():
        raise _no_run(id)


def list_runs(db: Database, *, limit: int | None = None) -> list[RunRow]:
    """Those that can be read, newest first."""
    readable = (run for run in iterate_runs(db) if isinstance(run, RunRow))
    return list(islice(readable, limit))


def list_run_ids(db: Database) -> list[str]:
    return [id for (id,) in db.execute("SELECT id FROM runs")]


def list_unreadable_runs(db: Database) -> list[UnreadableRun]:
    """Newest first."""
    return [run for run in iterate_runs(db) if isinstance(run, UnreadableRun)]


def delete_run(db: Database, id: str, *, check: Callable[[], None] = lambda: None) -> None:
    """Remove its rows and leave a tombstone, in one transaction that begins with `check`."""
    with transaction(db) as connection:
        check()
        for table in ("commands", "run_labels", "run_digests"):
            connection.execute(f"DELETE FROM {table} WHERE run = ?", (id,))
        connection.execute("DELETE FROM runs WHERE id = ?", (id,))
        connection.execute(
            "INSERT OR REPLACE INTO deleted_runs (id, deleted_at, folder_removed) VALUES (?, ?, 0)",
            (id, time.time()),
        )


def list_deleted_runs(db: Database) -> list[str]:
    """Those whose folders are still to be removed."""
    sql = "SELECT id FROM deleted_runs WHERE folder_removed = 0 ORDER BY deleted_at"
    return [row[0] for row in db.execute(sql)]


def set_deletion_done(db: Database, id: str) -> None:
    with transaction(db) as connection:
        connection.execute("UPDATE deleted_runs SET folder_removed = 1 WHERE id = ?", (id,))


def _no_run(id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no run '{id}'", "", "List the runs with: python -m rft_core runs"
    )


def iterate_runs(db: Database) -> Iterator[RunRow | UnreadableRun]:
    """All, newest first, each as far as it can be read."""
    for row in db.query(f"SELECT {_COLUMNS} FROM runs ORDER BY created_at DESC, id DESC"):
        try:
            yield _run(row)
        except BadInputError as error:
            yield UnreadableRun(row["id"], row["name"], row["created_at"], error.why)


@lru_cache(maxsize=2048)
def _restore(text: str) -> RunConfig:
    """Checking a configuration takes longer than reading it, and a list is read again and again."""
    return restore_config(json.loads(text))


def _run(row: dict[str, Any]) -> RunRow:
    try:
        config = _restore(row["config"])
    except (BadInputError, ValueError, TypeError) as error:
        raise BadInputError(
            f"The settings of run '{row['id']}' cannot be read",
            error.why if isinstance(error, BadInputError) else str(error),
            "Use the version of RFT Studio that made it, or delete it",
        ) from error
    return RunRow(
        row["id"], row["name"], config, row["created_at"], row["parent_run"], row["parent_step"]
    )
