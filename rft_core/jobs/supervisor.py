"""The supervisor: the one process of a runs folder that starts and stops workers.

    python -m rft_core.jobs.supervisor

It reads the commands of `index.db`, asks `decisions.decide` what to do and does it. It ends when
nothing is left to do. Killing it harms no run: the workers have sessions of their own, and the next
supervisor finds them by their locks. It never looks into a run beyond its attempts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from sqlite_utils import Database

from rft_core.errors import RftError, WorkerError
from rft_core.jobs.decisions import (
    START_KINDS,
    Action,
    AskToStop,
    KillWorker,
    Settle,
    StartWorker,
    decide,
)
from rft_core.jobs.processes import (
    ProcessIdentity,
    ask_to_end,
    get_identity,
    is_alive,
    kill_group,
    start_detached,
)
from rft_core.paths import (
    get_run_dir,
    get_runs_dir,
    get_supervisor_lock_path,
    get_worker_lock_path,
    get_worker_log_path,
)
from rft_core.store.index import Command, list_commands, open_index, set_command_handled
from rft_core.store.run_lock import FileLock, is_locked
from rft_core.store.run_reader import Attempt, has_database, list_attempts, open_run

WORKER_COMMAND = (sys.executable, "-m", "rft_core.worker")


class Supervisor:
    """`worker_command` gets the run's id as its last argument. Times are in seconds."""

    def __init__(
        self,
        runs_dir: Path,
        *,
        worker_command: Sequence[str] = WORKER_COMMAND,
        max_runs: int = 1,
        stop_grace: float = 60.0,
        idle_exit: float = 10.0,
        poll: float = 0.2,
    ) -> None:
        self._runs_dir = runs_dir
        self._worker_command = tuple(worker_command)
        self._max_runs, self._stop_grace = max_runs, stop_grace
        self._idle_exit, self._poll = idle_exit, poll
        self._children: dict[str, tuple[Command, subprocess.Popen[bytes]]] = {}

    def run(self) -> None:
        """Serve until idle; return at once when another supervisor lives."""
        while self._serve_until_idle() and self._has_pending():
            # A command came between the last look and the release of the lock, and its asker
            # still saw a living supervisor: serve on.
            pass

    def tick(self) -> bool:
        """Answer what can be answered now. True while anything is pending or alive."""
        with open_index(self._runs_dir) as index:
            self._collect_children(index)
            commands = list_commands(index)
            alive = {run: who for run, who in self._find_workers(commands).items() if who}
            actions = decide(
                commands, alive.keys(), max_runs=self._max_runs, now=time.time(),
                stop_grace=self._stop_grace,
            )  # fmt: skip
            for action in actions:
                self._do(index, action, alive)
        is_pending = any(command.handled_at is None for command in commands)
        return is_pending or bool(alive) or bool(self._children)

    def _serve_until_idle(self) -> bool:
        """False when another supervisor holds the lock."""
        lock = FileLock(get_supervisor_lock_path(self._runs_dir))
        try:
            lock.acquire()
        except WorkerError:
            return False
        try:
            last_busy = time.monotonic()
            while True:
                now = time.monotonic()
                if self.tick():
                    last_busy = now
                elif now - last_busy > self._idle_exit:
                    break
                time.sleep(self._poll)
        finally:
            lock.release()
        return True

    def _has_pending(self) -> bool:
        with open_index(self._runs_dir) as index:
            return bool(list_commands(index, pending_only=True))

    def _find_workers(self, commands: Sequence[Command]) -> dict[str, ProcessIdentity | None]:
        """The living worker of every run; None when there is none.

        A run whose lock is held is alive even where its process is not known yet (pid 0).
        """
        starts = {c.run: c for c in commands if c.kind in START_KINDS and c.worker_pid}
        runs = {command.run for command in commands}
        return {run: self._find_worker(run, starts.get(run)) for run in runs}

    def _find_worker(self, run: str, start: Command | None) -> ProcessIdentity | None:
        if start and start.worker_pid and start.worker_started:
            identity = ProcessIdentity(start.worker_pid, start.worker_started)
            if is_alive(identity):
                return identity
        if not is_locked(get_worker_lock_path(self._runs_dir, run)):
            return None
        unknown = ProcessIdentity(0, 0.0)
        attempts = self._list_attempts(run)
        if not attempts:
            return unknown
        try:
            identity = get_identity(attempts[-1].pid)
        except psutil.NoSuchProcess:
            return unknown
        # A process younger than the attempt is a stranger who got the old worker's pid.
        return identity if identity.started <= attempts[-1].started_at else unknown

    def _do(self, index: Database, action: Action, alive: dict[str, ProcessIdentity]) -> None:
        match action:
            case StartWorker(command):
                self._start(index, command)
            case AskToStop(command):
                if ask_to_end(alive[command.run]):
                    _say(f"{command.run}: asked its worker to stop")
                    set_command_handled(index, command.id)
            case KillWorker(run):
                _say(f"{run}: did not stop within {self._stop_grace:.0f} s, killing its worker")
                kill_group(alive[run])
            case Settle(command):
                set_command_handled(index, command.id)

    def _start(self, index: Database, command: Command) -> None:
        if not get_run_dir(self._runs_dir, command.run).is_dir():
            set_command_handled(index, command.id, error="The run's folder is gone.")
            return
        try:
            process = start_detached(
                [*self._worker_command, command.run],
                log_path=get_worker_log_path(self._runs_dir, command.run),
                runs_dir=self._runs_dir,
            )
        except RftError as error:
            set_command_handled(index, command.id, error=str(error))
            return
        identity = get_identity(process.pid)
        set_command_handled(
            index, command.id, worker_pid=identity.pid, worker_started=identity.started
        )
        self._children[command.run] = (command, process)
        _say(f"{command.run}: started worker {identity.pid}")

    def _collect_children(self, index: Database) -> None:
        """Reap workers that ended, and say why one ended before it could say so itself."""
        for run, (command, process) in list(self._children.items()):
            code = process.poll()
            if code is None:
                continue
            del self._children[run]
            _say(f"{run}: its worker ended with code {code}")
            attempts = self._list_attempts(run)
            is_answered = bool(attempts) and attempts[-1].started_at >= command.created_at
            is_taken = is_locked(get_worker_lock_path(self._runs_dir, run))
            if code > 0 and not is_answered and not is_taken:
                reason = (
                    f"The worker ended with code {code} before it began: {self._last_line(run)}"
                )
                set_command_handled(index, command.id, error=reason)

    def _list_attempts(self, run: str) -> list[Attempt]:
        if not has_database(self._runs_dir, run):
            return []
        with open_run(self._runs_dir, run) as db:
            return list_attempts(db)

    def _last_line(self, run: str) -> str:
        text = get_worker_log_path(self._runs_dir, run).read_text(errors="replace").strip()
        return text.splitlines()[-1][:500] if text else "it printed nothing"


def _say(text: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Start and stop the workers of a runs folder.")
    parser.add_argument("--stop-grace", type=float, default=60.0, help="seconds before SIGKILL")
    parser.add_argument("--idle-exit", type=float, default=10.0, help="seconds without work")
    parser.add_argument(
        "--worker", nargs=argparse.REMAINDER, default=WORKER_COMMAND, help="the worker's command"
    )
    options = parser.parse_args()
    supervisor = Supervisor(
        get_runs_dir(),
        worker_command=options.worker,
        max_runs=int(os.environ.get("RFT_MAX_RUNS", "1")),
        stop_grace=options.stop_grace,
        idle_exit=options.idle_exit,
    )
    supervisor.run()


if __name__ == "__main__":
    main()
