"""Scoring a run again in the background, by a process that no closed browser can reach.

The process is `python -m rft_core rescore`: it holds a lock for as long as it lives, and stores as
it goes. What it has done so far is read with `store.rescores`; asking twice is asking once.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from rft_core.errors import UnreadableRunError, WorkerError
from rft_core.jobs.processes import ask_to_end, kill_group, start_detached
from rft_core.paths import get_rescore_lock_path, get_rescore_log_path
from rft_core.store.index import open_index
from rft_core.store.rescores import get_rescore, list_rescores
from rft_core.store.runs import check_run_exists
from rft_core.store.sets import get_set
from rft_core.store.state.run_lock import is_locked

POLITELY = ("nice", "-n", "10")  # training goes first
START_SECONDS = 30.0
END_SECONDS = 10.0
POLL_SECONDS = 0.02


def start_rescore(runs_dir: Path, run_id: str, reward_set: str) -> None:
    """Begin, or go on where an earlier process ended. Returns once it works, or has finished.

    Raises `NotFoundError` for an unknown run or set, and `WorkerError` with its last words where
    the process ended before it began.
    """
    with open_index(runs_dir) as index:
        check_run_exists(index, run_id)
        get_set(index, "rewards", reward_set)
    if is_locked(get_rescore_lock_path(runs_dir, run_id, reward_set)):
        return
    attempt = _count_attempts(runs_dir, run_id, reward_set)
    log = get_rescore_log_path(runs_dir, run_id)
    command = [*POLITELY, sys.executable, "-m", "rft_core"]
    process = start_detached(
        [*command, "rescore", run_id, "--rewards", reward_set], log_path=log, runs_dir=runs_dir
    )
    threading.Thread(target=process.wait, daemon=True).start()  # it must not stay a zombie
    deadline = time.monotonic() + START_SECONDS
    while _count_attempts(runs_dir, run_id, reward_set) == attempt:
        if process.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise WorkerError(
                "Scoring the run again did not begin",
                lines[-1][:500] if lines else "",
                f"See {log}",
            )
        time.sleep(POLL_SECONDS)


def cancel_rescore(runs_dir: Path, run_id: str, reward_set: str) -> None:
    """End it; what is scored is kept. Returns when it is gone, which takes a step at most."""
    found = get_rescore(runs_dir, run_id, reward_set)
    if not found or not found.is_running:
        return
    ask_to_end(found.process)
    lock = get_rescore_lock_path(runs_dir, run_id, reward_set)
    deadline = time.monotonic() + END_SECONDS
    while is_locked(lock):
        if time.monotonic() > deadline:
            kill_group(found.process)
            return
        time.sleep(POLL_SECONDS)


def cancel_rescores(runs_dir: Path, run_id: str) -> None:
    """All of a run, before its folder goes."""
    try:
        rescores = list_rescores(runs_dir, run_id)
    except UnreadableRunError:  # they end by themselves where their database is no more
        return
    for rescore in rescores:
        cancel_rescore(runs_dir, run_id, rescore.reward_set)


def _count_attempts(runs_dir: Path, run_id: str, reward_set: str) -> int:
    found = get_rescore(runs_dir, run_id, reward_set)
    return found.attempt if found else 0
