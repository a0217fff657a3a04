"""A worker on its way before there is a run for it: libraries are half of the way to a first step.

It imports what training needs and waits at one end of a socket pair, its standard input. Being
given a run, at any time, it gets what every worker is started with: the run's id, its log and its
lock, the files as open descriptors. When the other end is closed, be it that we died, it ends.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen

from rft_core.jobs.processes import start_detached
from rft_core.paths import get_supervisor_log_path, get_worker_log_path
from rft_core.store.state.run_lock import LockForChild


class SpareWorker:
    """One process for one run. What it prints before it has one is in the supervisor's log."""

    def __init__(self, worker_command: Sequence[str], runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._socket, theirs = socket.socketpair()
        with theirs:
            self.process: Popen[bytes] = start_detached(
                [*worker_command, "--spare"],
                log_path=get_supervisor_log_path(runs_dir),
                runs_dir=runs_dir,
                stdin=theirs.fileno(),
            )

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def give(self, run: str, lock: LockForChild) -> bool:
        """Make it the worker of this run; False where it has ended."""
        log = get_worker_log_path(self._runs_dir, run)
        with self._socket, log.open("ab") as file:
            try:
                socket.send_fds(self._socket, [run.encode()], [file.fileno(), *lock.to_pass])
            except OSError:
                return False
        return True

    def dismiss(self) -> None:
        """It ends when it notices."""
        self._socket.close()
        threading.Thread(target=self.process.wait, daemon=True).start()  # it must not stay a zombie
