"""Opening a SQLite database the one way this project does, and migrating it.

WAL with synchronous NORMAL: kill -9 loses nothing, only a power cut can lose the last moments.
Connections are opened per use (about a millisecond) and never shared between threads.
Transactions begin IMMEDIATE: a deferred read-then-write fails at once instead of waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from rft_core.errors import BadInputError, NotFoundError, RftError, cannot_write
from rft_core.paths import CHOOSE_RUNS_DIR

Migration = Callable[[Database], None]

BUSY_TIMEOUT_SECONDS = 30


def open_for_writing(path: Path, migrations: Sequence[Migration]) -> Database:
    """Open, creating and migrating as needed. The caller closes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = _connect(path)
        db.execute("PRAGMA journal_mode = WAL")
    except OSError as error:
        raise cannot_write(path.parent, error, CHOOSE_RUNS_DIR) from error
    except sqlite3.DatabaseError as error:  # no such place, no right to write, or no database
        why = str(error)
        raise BadInputError(f"'{path}' cannot be opened", why, CHOOSE_RUNS_DIR) from error
    _migrate(db, migrations, path)
    return db


def open_for_reading(path: Path) -> Database:
    """Open an existing database; it must already be migrated. The caller closes."""
    if not path.exists():
        raise NotFoundError(f"There is no database at {path}")
    db = _connect(path)
    db.execute("PRAGMA query_only = ON")
    return db


@contextmanager
def transaction(db: Database) -> Iterator[sqlite3.Connection]:
    """All or nothing; waits for other writers. Yields the raw connection for `executemany`."""
    connection: sqlite3.Connection = db.conn
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _connect(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return Database(connection)


def _migrate(db: Database, migrations: Sequence[Migration], path: Path) -> None:
    """Apply what is missing, in one transaction. Migrations are append-only."""
    if _version(db) == len(migrations):
        return
    with transaction(db) as connection:
        version = _version(db)  # another process may have migrated while we waited
        if version > len(migrations):
            raise RftError(
                f"{path} was written by a newer version of RFT Studio",
                f"It is at schema {version}, this version knows {len(migrations)}",
                "Update the project, or choose another folder with RFT_RUNS_DIR",
            )
        for migration in migrations[version:]:
            migration(db)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


def _version(db: Database) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
