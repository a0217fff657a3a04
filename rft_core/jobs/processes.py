"""Processes that outlive whoever starts them: starting them, asking them to end, killing them.

This file knows nothing about runs, except how to start their supervisor.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rft_core.errors import BadInputError, WorkerError
from rft_core.paths import PROJECT_ROOT, get_supervisor_lock_path, get_supervisor_log_path
from rft_core.store.state.process_identity import ProcessIdentity, get_identity, is_alive
from rft_core.store.state.run_lock import LockForChild, is_locked

SUPERVISOR_COMMAND = (sys.executable, "-m", "rft_core.jobs.supervisor")


def read_max_runs() -> int:
    """How many workers may live at once: RFT_MAX_RUNS, else 1."""
    text = os.environ.get("RFT_MAX_RUNS", "").strip() or "1"
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise BadInputError(
            f"RFT_MAX_RUNS is '{text}'",
            "It says how many runs may train at the same time",
            "Set it to a whole number from 1, or unset it",
        )
    return int(text)


def start_detached(
    command: Sequence[str],
    *,
    log_path: Path,
    runs_dir: Path,
    lock: LockForChild | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that no closed terminal can reach it.

    It reads nothing but `stdin`, a descriptor, appends what it prints to `log_path`, finds the
    project and `runs_dir`, and holds `lock` until it ends.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    # Of each thread's freed memory glibc keeps a part for that thread alone, unless it is told.
    environment = {
        "MALLOC_ARENA_MAX": "2",
        **os.environ,
        "RFT_RUNS_DIR": str(runs_dir),
        "PYTHONUNBUFFERED": "1",
    }
    environment |= lock.environment if lock else {}
    with log_path.open("ab") as log:
        try:
            return subprocess.Popen(
                list(command), stdin=stdin, stdout=log, stderr=log,
                cwd=PROJECT_ROOT, env=environment, start_new_session=True,
                pass_fds=lock.to_pass if lock else (),
            )  # fmt: skip
        except OSError as error:
            raise WorkerError(
                f"Could not start {command[0]}",
                str(error),
                "Free memory and processes, or install the environment again",
            ) from error


def ensure_supervisor(runs_dir: Path, command: Sequence[str] = SUPERVISOR_COMMAND) -> None:
    """Start the supervisor of this runs folder unless one lives. Safe to call at any time.

    It holds its lock before it has begun: on a busy machine that takes many seconds, in which
    everybody who looks would start another one.
    """
    path = get_supervisor_lock_path(runs_dir)
    if is_locked(path):
        return
    try:
        with LockForChild(path) as lock:
            process = start_detached(
                command, log_path=get_supervisor_log_path(runs_dir), runs_dir=runs_dir, lock=lock
            )
            lock.sign(get_identity(process.pid))
    except WorkerError:
        if is_locked(path):  # another caller was faster
            return
        raise
    # Collect it whenever it ends, however long the caller lives: it must not stay a zombie.
    threading.Thread(target=process.wait, daemon=True).start()


def ask_to_end(identity: ProcessIdentity) -> bool:
    """SIGTERM to the process alone; False when it was gone already."""
    if not is_alive(identity):
        return False
    try:
        os.kill(identity.pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    return True


def kill_group(identity: ProcessIdentity) -> None:
    """SIGKILL to the process and everything that it started in its session."""
    if not is_alive(identity):
        return
    try:
        if os.getpgid(identity.pid) == identity.pid:  # it leads a group of its own, not ours
            os.killpg(identity.pid, signal.SIGKILL)
        else:
            os.kill(identity.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
