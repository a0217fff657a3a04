"""Opening a SQLite database the one way this project does: check its schema, and migrate it.

WAL with synchronous NORMAL: kill -9 loses nothing, only a power cut can lose the last moments.
Connections are opened per use (about a millisecond) and never shared between threads.
Transactions begin IMMEDIATE: a deferred read-then-write fails at once instead of waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from rft_core.errors import (
    DiskFullError,
    NewerDatabaseError,
    NotFoundError,
    NotWritableError,
    RftError,
    UnreadableRunError,
    cannot_write,
)
from rft_core.paths import CHOOSE_RUNS_DIR
from rft_core.store.schema.schema import Schema
from rft_core.store.sqlite.connections import (
    connect_for_reading,
    connect_for_writing,
    connect_to_copy,
)
from rft_core.store.sqlite.failures import (
    explain_sqlite_error,
    explain_unreadable,
    make_disk_full_error,
    means_disk_full,
)
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.run_lock import share_lock

RowT = TypeVar("RowT")


def open_for_writing(path: Path, schema: Schema) -> Database:
    """Open, creating and migrating as needed. The caller closes.

    Raises `NewerDatabaseError` for a schema that this version does not know, `DiskFullError`,
    `NotWritableError` and `DamagedDatabaseError`.
    """
    try:
        with explained_writing(path):
            db = connect_for_writing(path)
            try:
                if schema.list_missing(db):
                    _migrate(db, schema)
            except BaseException:
                db.close()
                raise
            return db
    except OSError as error:
        if means_disk_full(error, path.parent):
            raise make_disk_full_error(path) from error
        raise cannot_write(path.parent, error, CHOOSE_RUNS_DIR) from error


def open_for_reading(path: Path, schema: Schema, *, locks: Sequence[Path] = ()) -> Database:
    """Open an existing database, read-only. The caller closes.

    One that lacks migrations is migrated first if no other process holds one of `locks` and it can
    be written; otherwise a migrated copy in memory is read instead. Raises `NotFoundError` where
    there is none, or none with tables yet, `NewerDatabaseError` and `DamagedDatabaseError`.
    """
    if not path.exists():
        raise NotFoundError(f"There is no database at {path}")
    with explained_reading(path):
        if not path.is_file():  # a pipe would keep us waiting
            raise sqlite3.DatabaseError(path)
        db = connect_for_reading(path)
        try:
            missing = schema.list_missing(db)
            if len(missing) == len(schema.names):
                raise NotFoundError(f"The database at {path} has no tables yet")
            if missing:
                db = _bring_up_to_date(db, schema, locks)
            db.execute("PRAGMA query_only = ON")
        except BaseException:
            db.close()
            raise
        return db


@contextmanager
def read_of_run(
    run_id: str, path: Path, schema: Schema, *, locks: Sequence[Path]
) -> Iterator[Database]:
    """Open one of a run's databases for as long as it is read.

    Raises `NotFoundError`, and `UnreadableRunError` for all else that is wrong with it, be that
    found while opening it or while reading.
    """
    try:
        db = open_for_reading(path, schema, locks=locks)
    except NotFoundError:
        raise
    except RftError as error:
        raise _unreadable_run(run_id, error) from error
    try:
        yield db
    except sqlite3.DatabaseError as error:
        if (explained := explain_unreadable(error, path)) is None:
            raise
        raise _unreadable_run(run_id, explained) from error
    finally:
        db.close()


@contextmanager
def explained_reading(path: Path) -> Iterator[None]:
    """Say in an `RftError` why the database at `path` cannot be read."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        explained = explain_unreadable(error, path)
        if explained is None:
            raise
        raise explained from error


@contextmanager
def transaction(db: Database) -> Iterator[sqlite3.Connection]:
    """All or nothing; waits for other writers. Yields the raw connection for `executemany`.

    Raises `DiskFullError`, `NotWritableError` and `DamagedDatabaseError`; nothing is changed then.
    """
    connection: sqlite3.Connection = db.conn
    with explained_writing(_get_path(db)):
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


def _unreadable_run(run_id: str, error: RftError) -> UnreadableRunError:
    fix = "" if isinstance(error, NewerDatabaseError) else ", or delete the run"
    return UnreadableRunError(
        f"What run '{run_id}' has recorded cannot be read",
        f"{error.what}: {error.why}" if error.why else error.what,
        f"{error.fix or 'Restore it from a backup'}{fix}",
    )


@contextmanager
def explained_writing(path: Path) -> Iterator[None]:
    """Say in an `RftError` why the database at `path` cannot be written."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        explained = explain_sqlite_error(error, path)
        if explained is None:
            raise
        raise explained from error


def _get_path(db: Database) -> Path:
    return Path(db.execute("PRAGMA database_list").fetchone()[2])


def _migrate(db: Database, schema: Schema) -> None:
    with transaction(db):  # another process may migrate while we wait: the schema looks again
        schema.migrate(db)


def _bring_up_to_date(db: Database, schema: Schema, locks: Sequence[Path]) -> Database:
    with ExitStack() as held:
        if all(held.enter_context(share_lock(lock)) for lock in locks):
            try:
                _migrate(db, schema)
                return db
            except (DiskFullError, NotWritableError):
                pass  # look at it as it is
    copy = connect_to_copy(db)
    db.close()
    _migrate(copy, schema)
    return copy
