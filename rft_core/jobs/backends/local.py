"""Workers as processes of this machine, in sessions of their own.

A worker counts only if it holds the lock of *this* run's folder: in a copied folder the handles
name the original's processes, which must never be signalled from here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from rft_core.jobs.backends.backend import WorkerEnd
from rft_core.jobs.backends.spare import SpareWorker
from rft_core.jobs.processes import ask_to_end, kill_group, start_detached
from rft_core.paths import get_run_dir, get_worker_lock_path, get_worker_log_path
from rft_core.store.commands import Command
from rft_core.store.state.process_identity import ProcessIdentity, get_identity, is_alive
from rft_core.store.state.run_lock import LockForChild, is_locked, read_holder

WORKER_COMMAND = (sys.executable, "-m", "rft_core.worker")
LEAST_FREE_MEMORY = 2 << 30  # bytes, for a spare worker: its libraries take a quarter of them


@dataclass(frozen=True)
class _Handle:
    """A process, and the folder of its run: "" where an older version did not say.

    `pid` 0 stands for a holder of the lock that has not signed it.
    """

    pid: int = 0
    started: float = 0.0
    boot: str = ""
    folder: str = ""

    @property
    def identity(self) -> ProcessIdentity:
        return ProcessIdentity(self.pid, self.started, self.boot)


class LocalBackend:
    """`worker_command` gets the run's id as its last argument."""

    name = "local"

    def __init__(self, runs_dir: Path, worker_command: Sequence[str] = WORKER_COMMAND) -> None:
        self._runs_dir, self._worker_command = runs_dir, tuple(worker_command)
        self._children: dict[str, subprocess.Popen[bytes]] = {}  # by handle, also those that ended
        self._newest: dict[str, str] = {}  # by run: the handle of its last worker
        self._spare: SpareWorker | None = None

    def start(self, run: str) -> str:
        with LockForChild(get_worker_lock_path(self._runs_dir, run)) as lock:
            process = self._use_spare(run, lock) or start_detached(
                [*self._worker_command, run],
                log_path=get_worker_log_path(self._runs_dir, run),
                runs_dir=self._runs_dir,
                lock=lock,
            )
            identity = get_identity(process.pid)
            lock.sign(identity)
        handle = self._make_handle(run, identity)
        self._children[handle] = process
        self._newest[run] = handle
        return handle

    def keep_ready(self, wanted: bool) -> None:
        """A spare that has died stays till the next start: else a broken one would have heirs."""
        if self._spare and not wanted:
            self._spare.dismiss()
            self._spare = None
        elif wanted and self._spare is None and self._can_spare():
            self._spare = SpareWorker(self._worker_command, self._runs_dir)

    def _can_spare(self) -> bool:
        """Where there is memory, and it is our own worker: another may not know how to wait."""
        is_ours = self._worker_command == WORKER_COMMAND
        return is_ours and psutil.virtual_memory().available > LEAST_FREE_MEMORY

    def _use_spare(self, run: str, lock: LockForChild) -> subprocess.Popen[bytes] | None:
        spare, self._spare = self._spare, None
        if spare and spare.is_alive() and spare.give(run, lock):
            return spare.process
        return None

    def find(self, run: str) -> str | None:
        """One that we started a moment ago may not be noted: only its own handle tells its end."""
        newest = self._newest.get(run, "")
        if newest and self._children[newest].poll() is None:
            return newest
        lock = get_worker_lock_path(self._runs_dir, run)
        if not is_locked(lock):
            return None
        holder = read_holder(lock)
        return self._make_handle(run, holder) if holder else _write(_Handle())

    def is_alive(self, run: str, handle: str) -> bool:
        if handle in self._children:
            return self._children[handle].poll() is None  # which reaps it, too
        lock = get_worker_lock_path(self._runs_dir, run)
        worker = _read(handle)
        if not worker.pid:
            return is_locked(lock)
        if not is_alive(worker.identity):
            return False
        if holder := read_holder(lock):
            return holder.pid == worker.pid
        if not worker.folder:
            return is_locked(lock)
        # It has yet to sign the lock, or has released it and is about to end.
        return worker.folder == self._name_folder(run)

    def ask_to_stop(self, run: str, handle: str) -> bool:
        return self.is_alive(run, handle) and ask_to_end(_read(handle).identity)

    def kill(self, run: str, handle: str) -> None:
        if self.is_alive(run, handle):
            kill_group(_read(handle).identity)

    def get_end(self, run: str, handle: str) -> WorkerEnd:
        """Only the process that started it learns it."""
        child = self._children.get(handle)
        return WorkerEnd(child.wait() if child else None)

    def _make_handle(self, run: str, process: ProcessIdentity) -> str:
        folder = self._name_folder(run)
        return _write(_Handle(process.pid, process.started, process.boot, folder))

    def _name_folder(self, run: str) -> str:
        """Another one for each copy; the same wherever the folder is moved to."""
        try:
            status = get_run_dir(self._runs_dir, run).stat()
        except OSError:
            return ""
        return f"{status.st_dev}:{status.st_ino}"


def read_handle(command: Command) -> str | None:
    """The handle of the worker that was started for a command; None if none was.

    Before there were handles, a process was stored in two columns of its own.
    """
    if command.handle is None and command.worker_pid is not None:
        return _write(_Handle(command.worker_pid, command.worker_started or 0.0))
    return command.handle


def _write(handle: _Handle) -> str:
    return json.dumps(asdict(handle))


def _read(text: str) -> _Handle:
    try:
        return _Handle(**json.loads(text))
    except (ValueError, TypeError):  # another backend's, or damaged: nobody's
        return _Handle(pid=-1)
