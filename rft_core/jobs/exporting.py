"""Exporting a run in the background, by a process that no closed browser can reach.

The process is `python -m rft_core export`: it holds a lock for as long as it lives, and stores how
far it is where `store.exports` reads it. Asking twice for the same is asking once.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from pathlib import Path

from rft_core.errors import WorkerError
from rft_core.export import check_folder, find_export
from rft_core.export.hub import check_push
from rft_core.jobs.processes import ask_to_end, kill_group, start_detached
from rft_core.paths import get_export_lock_path, get_export_log_path
from rft_core.store.adapters import get_adapter
from rft_core.store.exports import (
    ExportRecord,
    ExportRequest,
    explain_busy,
    find_exporter,
    get_export,
    set_export,
)
from rft_core.store.index import open_index
from rft_core.store.runs import check_run_exists
from rft_core.store.state.process_identity import get_identity, is_alive
from rft_core.store.state.run_lock import LockForChild, is_locked

END_SECONDS = 10.0
POLL_SECONDS = 0.02


def start_export(runs_dir: Path, request: ExportRequest) -> None:
    """Begin, unless this very export is under way or has just been made.

    Raises `WorkerError` while the run is exported in another way, `NotFoundError` without such a
    run or adapter, and `BadInputError` for a folder that holds something, a name that the hub does
    not take, or without a token.
    """
    with open_index(runs_dir) as index:
        check_run_exists(index, request.run)
    get_adapter(runs_dir, request.run, request.step)
    lock_path = get_export_lock_path(runs_dir, request.run)
    latest = get_export(runs_dir, request.run)
    is_same = latest is not None and latest.request == request
    if is_locked(lock_path):
        if is_same:
            return
        raise explain_busy(runs_dir, request.run)
    if is_same and latest and latest.outcome == "finished" and find_export(runs_dir, request):
        return
    if request.push:
        check_push(request.push)
    if not (request.push and find_export(runs_dir, request)):
        check_folder(Path(request.to))
    try:
        _start(runs_dir, request, lock_path)
    except WorkerError:
        latest = get_export(runs_dir, request.run)
        if latest is None or not latest.is_running or latest.request != request:
            raise
        # a second click has been faster


def _start(runs_dir: Path, request: ExportRequest, lock_path: Path) -> None:
    words = ["export", request.run, "--to", request.to]
    words += ["--merged"] if request.merged else []
    words += ["--step", str(request.step)] if request.step is not None else []
    words += ["--push", request.push] if request.push else []
    words += ["--public"] if request.public else []
    with LockForChild(lock_path) as lock:
        set_export(runs_dir, ExportRecord(request))
        process = start_detached(
            [sys.executable, "-m", "rft_core", *words],
            log_path=get_export_log_path(runs_dir, request.run), runs_dir=runs_dir, lock=lock,
        )  # fmt: skip
        lock.sign(get_identity(process.pid))
    threading.Thread(target=process.wait, daemon=True).start()  # it must not stay a zombie


def cancel_export(runs_dir: Path, run_id: str) -> None:
    """End it; nothing is left of it but what was pushed already. Returns when it is gone."""
    exporter = find_exporter(runs_dir, run_id)
    if exporter is None:
        return
    ask_to_end(exporter)
    deadline, is_killed = time.monotonic() + END_SECONDS, False
    while is_alive(exporter):
        if time.monotonic() > deadline and not is_killed:
            kill_group(exporter)
            is_killed = True
        time.sleep(POLL_SECONDS)
    if is_killed:
        _forget_files(runs_dir, run_id)


def _forget_files(runs_dir: Path, run_id: str) -> None:
    """What a killed export was writing."""
    if latest := get_export(runs_dir, run_id):
        folder = Path(latest.request.to).parent / f".unfinished-export-{run_id}"
        shutil.rmtree(folder, ignore_errors=True)


def read_last_words(runs_dir: Path, run_id: str) -> str:
    """The last line of its log: why it ended, where it ended without a word. Empty without one."""
    try:
        text = get_export_log_path(runs_dir, run_id).read_text(errors="replace")
    except FileNotFoundError:
        return ""
    return next(iter(text.strip().splitlines()[-1:]), "")
