"""Deleting a run: its rows at once, leaving a tombstone, then its folder under the run's lock.

The tombstone makes a request lose that came in between (`commands.add_command`), and names the
folders that are still to be removed when the one who deletes dies in between.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from rft_core.errors import DiskFullError, WorkerError
from rft_core.paths import get_checkpoints_dir, get_run_dir, get_worker_lock_path
from rft_core.store.index import open_index
from rft_core.store.runs import delete_run, list_deleted_runs, set_deletion_done
from rft_core.store.sqlite.reserve import ensure_reserve, give_up_reserve
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.run_lock import FileLock


def remove_run(runs_dir: Path, run_id: str, *, check: Callable[[Database], None]) -> None:
    """Forget a run and all that it stored. `check` raises where it must stay; nobody can ask for
    anything between that and the deletion. Works on a full disk."""
    give_up_reserve(runs_dir)
    try:
        _forget(runs_dir, run_id, check)
    except DiskFullError:
        # Not even the reserve was enough, or there was none: make room with what goes anyway.
        with open_index(runs_dir) as index:
            check(index)
        shutil.rmtree(get_checkpoints_dir(runs_dir, run_id), ignore_errors=True)
        _forget(runs_dir, run_id, check)


def finish_deletions(runs_dir: Path) -> None:
    """Remove the folders of deleted runs, also those that an earlier deletion left behind."""
    with open_index(runs_dir) as index:
        for run_id in list_deleted_runs(index):
            if _remove_folder(runs_dir, run_id):
                set_deletion_done(index, run_id)
    ensure_reserve(runs_dir)


def _forget(runs_dir: Path, run_id: str, check: Callable[[Database], None]) -> None:
    with open_index(runs_dir) as index:
        delete_run(index, run_id, check=lambda: check(index))


def _remove_folder(runs_dir: Path, run_id: str) -> bool:
    """False while a worker holds the run: one that had begun before and has yet to notice."""
    folder = get_run_dir(runs_dir, run_id)
    if not folder.is_dir():
        return True
    lock = FileLock(get_worker_lock_path(runs_dir, run_id))
    try:
        lock.acquire()
    except OSError:
        pass  # it could not be locked, being damaged; nobody could have locked it either
    except WorkerError:
        return False
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.release()
    return not folder.exists()
