"""Columns of long runs, brought up to date in the background: see `store/columns/building.py`.

Begun by the supervisor while a worker lives, and by whoever looks at a run that lacks some, be it
of an earlier version. The process has a low priority, and ends when it has caught up.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rft_core.errors import RftError
from rft_core.jobs.processes import start_detached
from rft_core.paths import get_columns_lock_path, get_columns_log_path
from rft_core.store.columns.building import has_backlog
from rft_core.store.state.run_lock import is_locked

LOOK_EVERY_SECONDS = 15.0
_COMMAND = (sys.executable, "-m", "rft_core.store.columns.building")


def ensure_columns(runs_dir: Path, run_id: str) -> bool:
    """Begin, unless nothing is missing or a process is at it. Whether one was started.

    A run that cannot be read, or a folder that cannot be written, is left as it is.
    """
    with suppress(RftError, OSError, sqlite3.Error):
        if is_locked(get_columns_lock_path(runs_dir, run_id)) or not has_backlog(runs_dir, run_id):
            return False
        log = get_columns_log_path(runs_dir, run_id)
        process = start_detached([*_COMMAND, run_id], log_path=log, runs_dir=runs_dir)
        threading.Thread(target=process.wait, daemon=True).start()  # it must not stay a zombie
        return True
    return False


class ColumnsOfLiving:
    """The supervisor's care for the columns of runs that train: a look at each now and then."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._next_look = 0.0

    def look_after(self, runs: Iterable[str]) -> None:
        if time.monotonic() < self._next_look:
            return
        for run in runs:
            ensure_columns(self._runs_dir, run)
        self._next_look = time.monotonic() + LOOK_EVERY_SECONDS
