"""Whether anything has changed, told from the files alone: no database is opened.

Whoever watches asks for the revision and reads again only when it is another one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from rft_core.paths import (
    get_index_path,
    get_rescores_path,
    get_run_db_path,
    get_supervisor_lock_path,
    get_worker_lock_path,
    get_worker_log_path,
)
from rft_core.store.sqlite.connections import list_wal_files
from rft_core.store.state.run_lock import is_locked


def get_run_revision(runs_dir: Path, run_id: str) -> str:
    """Another one after each step, message, command, log line, birth or death of its worker."""
    databases = (get_index_path(runs_dir), get_run_db_path(runs_dir, run_id),
                 get_rescores_path(runs_dir, run_id))  # fmt: skip
    return _digest(
        *(look_at_database(path) for path in databases),
        _look(get_worker_log_path(runs_dir, run_id)),
        _look_at_lock(get_worker_lock_path(runs_dir, run_id)),
        _look_at_lock(get_supervisor_lock_path(runs_dir)),
    )


def get_folder_revision(runs_dir: Path) -> str:
    """The same for all runs of a folder, without their logs."""
    return _digest(
        look_at_database(get_index_path(runs_dir)),
        _look_at_lock(get_supervisor_lock_path(runs_dir)),
        *(
            (run, look_at_database(get_run_db_path(runs_dir, run)),
             _look_at_lock(get_worker_lock_path(runs_dir, run)))
            for run in sorted(_list_folders(runs_dir))
        ),
    )  # fmt: skip


def _list_folders(runs_dir: Path) -> Iterator[str]:
    try:
        with os.scandir(runs_dir) as entries:
            yield from (entry.name for entry in entries if entry.is_dir())
    except OSError:  # there is none, or it cannot be looked into: opening it says why
        return


def look_at_database(path: Path) -> tuple[object, ...]:
    """An empty log says nothing: every reader makes one and takes it away again."""
    log, _ = list_wal_files(path)
    written = _look(log)
    return _look(path), written if written and written[1] else None


def _look_at_lock(path: Path) -> bool | None:
    """None where it cannot be told."""
    try:
        return is_locked(path)
    except OSError:
        return None


def _look(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
