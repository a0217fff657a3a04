"""Connecting to a SQLite file: to write it, or to read it even where nothing can be written.

A reader of a database in WAL mode needs its shared memory, a file beside it. Where that cannot be
made (a folder mounted read-only, a full disk) the file is read as immutable, and one whose log
still holds something is read as a copy elsewhere.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from rft_core.store.sqlite.failures import get_code
from rft_core.store.sqlite.without_pandas import Database

BUSY_TIMEOUT_SECONDS = 30
_CANNOT_WORK_BESIDE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)


def connect_for_writing(path: Path) -> Database:
    """Connect, creating an empty file that only we may read. Raises OSError and sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = _connect(str(path))
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return Database(connection)


def connect_for_reading(path: Path) -> Database:
    """Connect to a file that exists, in the first way in which it can be read."""
    last: sqlite3.Error | None = None
    for connect in (_read_beside_writers, _read_only, _read_unchanging, _read_copy):
        connection = None
        try:
            connection = connect(path)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return Database(connection)
        except sqlite3.DatabaseError as error:
            if connection is not None:
                connection.close()
            if get_code(error) not in _CANNOT_WORK_BESIDE:
                raise
            last = last or error
    assert last is not None
    raise last


def connect_to_copy(db: Database) -> Database:
    """A copy in memory, which can be changed while the original stays as it is."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    db.conn.backup(copy)
    return Database(copy)


def list_wal_files(path: Path) -> Iterator[Path]:
    """What SQLite keeps beside a database in WAL mode: its log and its shared memory."""
    yield from (path.with_name(path.name + end) for end in ("-wal", "-shm"))


def sync_folder(folder: Path) -> None:
    """Make the names in it survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_beside_writers(path: Path) -> sqlite3.Connection:
    return _connect(str(path))


def _read_only(path: Path) -> sqlite3.Connection:
    return _connect(f"file:{quote(str(path))}?mode=ro", uri=True)


def _read_unchanging(path: Path) -> sqlite3.Connection:
    """For a file that nobody can be writing: without its shared memory there is no writer."""
    log, _ = list_wal_files(path)
    if log.exists() and log.stat().st_size:
        raise _give_up("its log would be ignored")
    return _connect(f"file:{quote(str(path))}?immutable=1", uri=True)


def _read_copy(path: Path) -> sqlite3.Connection:
    """The copy has no name any more once it is open: it goes when its reader does."""
    log, _ = list_wal_files(path)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        copy = Path(folder) / path.name
        try:
            shutil.copyfile(path, copy)
            if log.exists():
                shutil.copyfile(log, Path(folder) / log.name)
        except OSError as error:
            raise _give_up(str(error)) from error
        connection = _connect(str(copy))
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection


def _connect(place: str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(place, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, uri=uri)


def _give_up(why: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(why)
    error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
    return error


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for others here as it does elsewhere: a new database may be busy."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if get_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
