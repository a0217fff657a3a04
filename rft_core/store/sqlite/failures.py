"""What a failure of SQLite means to people: a full disk, a folder that is read-only, damage."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from rft_core.errors import DamagedDatabaseError, DiskFullError, NotWritableError, RftError
from rft_core.paths import CHOOSE_RUNS_DIR

FULL_BELOW_BYTES = 1 << 20  # SQLite cannot make its shared memory, or a page of its log
FREE_SPACE = "Free some space, for example by deleting runs, and try again"

_DISK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_NO_RIGHT = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


def explain_sqlite_error(error: sqlite3.Error, path: Path) -> RftError | None:
    """The error to raise for people in its place; None where it is a mistake of this program."""
    code = get_code(error)
    if code == sqlite3.SQLITE_FULL or (code in _DISK and is_disk_full(path.parent)):
        return make_disk_full_error(path)
    if path.exists() and not path.is_file():
        return _damaged(path, "Something else than a file lies in its place")
    if code in _NO_RIGHT:
        return NotWritableError(f"'{path}' cannot be written", str(error), CHOOSE_RUNS_DIR)
    if code in _DAMAGE:
        return _damaged(path, str(error))
    return _explain_trouble(code, error, path)


def _explain_trouble(code: int | None, error: sqlite3.Error, path: Path) -> RftError | None:
    """What may pass."""
    if code == sqlite3.SQLITE_IOERR:
        what, fix = f"'{path}' cannot be read or written", "Check the disk, and try again"
        return DamagedDatabaseError(what, str(error), fix)
    if code == sqlite3.SQLITE_BUSY:
        what = f"'{path}' stayed locked by another process"
        return RftError(what, str(error), "Try again in a moment")
    return None


def explain_unreadable(error: sqlite3.Error, path: Path) -> RftError | None:
    """As `explain_sqlite_error`, for whoever only reads: missing tables are damage, too."""
    if get_code(error) == sqlite3.SQLITE_READONLY:
        return None  # it tried to write
    if get_code(error) == sqlite3.SQLITE_CANTOPEN and path.is_file():
        why = "You may not read it, or SQLite cannot work beside it"
        return DamagedDatabaseError(
            f"'{path}' cannot be opened", why, "Look at who owns it and its folder"
        )
    if get_code(error) in (sqlite3.SQLITE_ERROR, None):
        return _damaged(path, str(error))
    return explain_sqlite_error(error, path)


def get_code(error: sqlite3.Error) -> int | None:
    """The primary result code; None where the error is not SQLite's but Python's."""
    extended: int | None = getattr(error, "sqlite_errorcode", None)
    return extended if extended is None else extended & 0xFF


def is_disk_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL_BELOW_BYTES
    except OSError:
        return False


def means_disk_full(error: BaseException, folder: Path) -> bool:
    """Whether writing to `folder` failed for want of space, however a library wraps that."""
    if isinstance(error, OSError) and error.errno in _FULL_ERRNOS:
        return True
    return "No space left on device" in str(error) or is_disk_full(folder)


def make_disk_full_error(path: Path, needed: int | None = None) -> DiskFullError:
    """`needed`: bytes that must be free, where that is known."""
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        free = 0
    need = f"; {_megabytes(needed)} are needed" if needed else ""
    return DiskFullError(
        f"The disk is full: '{path}' cannot be written",
        f"{_megabytes(free)} are free{need}",
        FREE_SPACE,
    )


def _damaged(path: Path, why: str) -> DamagedDatabaseError:
    return DamagedDatabaseError(
        f"'{path}' is damaged and cannot be read", why, "Restore it from a backup"
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
