"""Opening a SQLite database the one way this project does: check its schema, and migrate it.

WAL with synchronous NORMAL: kill -9 loses nothing, only a power cut can lose the last moments.
Connections are opened per use (about a millisecond) and never shared between threads.
Transactions begin IMMEDIATE: a deferred read-then-write fails at once instead of waiting.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from rft_core.errors import BadInputError, NotFoundError, cannot_write
from rft_core.paths import CHOOSE_RUNS_DIR
from rft_core.store.run_lock import share_lock
from rft_core.store.schema.schema import Schema

BUSY_TIMEOUT_SECONDS = 30

RowT = TypeVar("RowT")


def open_for_writing(path: Path, schema: Schema) -> Database:
    """Open, creating and migrating as needed. The caller closes.

    Raises `NewerDatabaseError` for a schema that this version does not know.
    """
    try:
        _create(path)
        db = _connect(path)
    except OSError as error:
        raise cannot_write(path.parent, error, CHOOSE_RUNS_DIR) from error
    except sqlite3.DatabaseError as error:  # no such place, no right to write, or no database
        why = str(error)
        raise BadInputError(f"'{path}' cannot be opened", why, CHOOSE_RUNS_DIR) from error
    try:
        if schema.list_missing(db):
            _migrate(db, schema)
    except BaseException:
        db.close()
        raise
    return db


def open_for_reading(path: Path, schema: Schema, *, locks: Sequence[Path] = ()) -> Database:
    """Open an existing database, read-only. The caller closes.

    One that lacks migrations is migrated first if no other process holds one of `locks`; while one
    does, a migrated copy in memory is read instead. Raises `NotFoundError` where there is none, or
    none with tables yet, and `NewerDatabaseError`.
    """
    if not path.exists():
        raise NotFoundError(f"There is no database at {path}")
    db = _connect(path)
    try:
        missing = schema.list_missing(db)
        if len(missing) == len(schema.names):
            raise NotFoundError(f"The database at {path} has no tables yet")
        if missing:
            db = _bring_up_to_date(db, path, schema, locks)
        db.execute("PRAGMA query_only = ON")
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def transaction(db: Database) -> Iterator[sqlite3.Connection]:
    """All or nothing; waits for other writers. Yields the raw connection for `executemany`."""
    connection: sqlite3.Connection = db.conn
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself has rolled back when the disk was full
            connection.execute("ROLLBACK")
        raise


def list_columns(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind) if field.metadata.get("column", True)]


def read_rows(
    db: Database, kind: type[RowT], rest: str, values: Sequence[Any] | dict[str, Any] = ()
) -> list[RowT]:
    """`SELECT` the fields of the dataclass `kind` by name; `rest` begins with FROM.

    Fields with `metadata={"column": False}` come last and are left at their defaults.
    """
    columns = ", ".join(list_columns(kind))
    return [kind(*row) for row in db.execute(f"SELECT {columns} {rest}", values)]


def _create(path: Path) -> None:
    """Make the folder and an empty file that only we may read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _connect(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return Database(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for others here as it does elsewhere: a new database may be busy."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _migrate(db: Database, schema: Schema) -> None:
    with transaction(db):  # another process may migrate while we wait: the schema looks again
        schema.migrate(db)


def _bring_up_to_date(db: Database, path: Path, schema: Schema, locks: Sequence[Path]) -> Database:
    with ExitStack() as held:
        if all(held.enter_context(share_lock(lock)) for lock in locks):
            _migrate(db, schema)
            return db
    copy = Database(sqlite3.connect(":memory:", isolation_level=None))
    db.conn.backup(copy.conn)
    db.close()
    _migrate(copy, schema)
    return copy
