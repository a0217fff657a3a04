"""Commands in the index: how pages and the command line ask for something.

The supervisor answers them, in the order of their numbers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rft_core.errors import NotFoundError
from rft_core.store.sqlite.database import read_rows, transaction
from rft_core.store.sqlite.without_pandas import Database

LOCAL = "local"  # the backend of whoever says nothing else
START_KINDS = ("launch", "resume")
STOP_KINDS = ("stop", "kill")


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
    backend: str = LOCAL
    handle: str | None = None

    @property
    def has_worker(self) -> bool:
        """Whether a worker was started for it. Older databases have a pid and no handle."""
        return self.handle is not None or self.worker_pid is not None


def add_command(db: Database, *, id: str, kind: str, run: str) -> bool:
    """False when a command with this id was already there (a double click).

    A run stays with the backend that it was launched on. Raises `NotFoundError` when the run has
    been deleted in the meantime.
    """
    with transaction(db) as connection:
        if connection.execute("SELECT 1 FROM deleted_runs WHERE id = ?", (run,)).fetchone():
            raise NotFoundError(f"Run '{run}' has been deleted", "", "Launch a new one")
        cursor = connection.execute(
            "INSERT OR IGNORE INTO commands (id, kind, run, created_at, backend) "
            "VALUES (?, ?, ?, ?, coalesce("
            "(SELECT backend FROM commands WHERE run = ? ORDER BY number DESC LIMIT 1), ?))",
            (id, kind, run, time.time(), run, LOCAL),
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


def list_open_commands(db: Database, *, also: Collection[str] = ()) -> list[Command]:
    """All commands of the runs that something is still to be done about, oldest first.

    That is: a command waits, or a worker was started whose end nobody has noted yet. What was
    finished long ago is not looked at, except for the runs in `also`.
    """
    rest = (
        "FROM commands WHERE run IN (SELECT run FROM commands WHERE handled_at IS NULL OR "
        "(worker_ended_at IS NULL AND (handle IS NOT NULL OR worker_pid IS NOT NULL))) "
        "OR run IN (SELECT value FROM json_each(?)) ORDER BY number"
    )
    return read_rows(db, Command, rest, [json.dumps(sorted(also))])


def has_open_commands(db: Database) -> bool:
    """Whether anything waits for a supervisor."""
    return bool(list_open_commands(db))


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
    backend: str | None = None,
    handle: str | None = None,
) -> None:
    """`backend`: which one's worker answers it; None: the one that was asked for."""
    with transaction(db) as connection:
        connection.execute(
            "UPDATE commands SET handled_at = ?, worker_pid = ?, worker_started = ?, error = ?, "
            "backend = coalesce(?, backend), handle = ? WHERE id = ?",
            (time.time(), worker_pid, worker_started, error, backend, handle, id),
        )


def set_worker_ended(db: Database, id: str, *, error: str | None = None) -> None:
    """The worker that answered this command is gone; `error` is why it never began."""
    with transaction(db) as connection:
        connection.execute(
            "UPDATE commands SET worker_ended_at = ?, error = ? WHERE id = ?",
            (time.time(), error, id),
        )
