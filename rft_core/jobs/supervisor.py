"""The supervisor: the one process of a runs folder that starts and stops workers.

    python -m rft_core.jobs.supervisor

It reads the commands of `index.db`, asks `decisions.decide` what to do and does it. It ends when
nothing is left to do. Killing it harms no run: the workers have sessions of their own, and the next
supervisor finds them by their locks. A worker that was asked to stop has all the time that its step
and its checkpoint take; it is killed only when somebody asks for that, or when it gets on with
nothing for minutes. Of a run's database only the attempts and the progress are read.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlite_utils import Database

from rft_core.errors import RftError, WorkerError
from rft_core.jobs.decisions import (
    Action,
    AskToStop,
    KillWorker,
    Settle,
    StartWorker,
    decide,
    get_handled_stop,
)
from rft_core.jobs.processes import (
    ask_to_end,
    kill_group,
    read_max_runs,
    start_detached,
)
from rft_core.paths import (
    get_run_dir,
    get_runs_dir,
    get_supervisor_lock_path,
    get_worker_lock_path,
    get_worker_log_path,
)
from rft_core.store.commands import (
    START_KINDS,
    Command,
    list_commands,
    set_command_handled,
    set_worker_ended,
)
from rft_core.store.index import open_index
from rft_core.store.process_identity import ProcessIdentity, get_identity, is_alive
from rft_core.store.run_lock import FileLock, is_locked
from rft_core.store.run_reader import (
    WorkerLife,
    get_progress,
    has_database,
    list_attempts,
    open_run,
)
from rft_core.store.run_state import STUCK_AFTER_SECONDS, stuck_after
from rft_core.store.runs import get_run

WORKER_COMMAND = (sys.executable, "-m", "rft_core.worker")


class Supervisor:
    """`worker_command` gets the run's id as its last argument. Times are in seconds.

    `patience`: how long a worker that was asked to stop may get on with nothing; None: as long as
    the run's settings make likely.
    """

    def __init__(
        self,
        runs_dir: Path,
        *,
        worker_command: Sequence[str] = WORKER_COMMAND,
        max_runs: int = 1,
        patience: float | None = None,
        idle_exit: float = 10.0,
        poll: float = 0.2,
    ) -> None:
        self._runs_dir = runs_dir
        self._worker_command = tuple(worker_command)
        self._max_runs, self._patience = max_runs, patience
        self._idle_exit, self._poll = idle_exit, poll
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        # When each run that is stopping last wrote, and since when we have seen it write no more.
        self._last_words: dict[str, tuple[float, float]] = {}

    def run(self) -> None:
        """Serve until idle; return at once when another supervisor lives."""
        while self._serve_until_idle() and self._has_pending():
            # A command came between the last look and the release of the lock, and its asker
            # still saw a living supervisor: serve on.
            pass

    def tick(self) -> bool:
        """Answer what can be answered now. True while anything is pending or alive."""
        with open_index(self._runs_dir) as index:
            self._collect_ended(index)
            commands = list_commands(index)
            alive = {run: who for run, who in self._find_workers(commands).items() if who}
            stuck = self._find_stuck(index, commands, alive)
            actions = decide(commands, alive.keys(), max_runs=self._max_runs, stuck=stuck)
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
        identity = ProcessIdentity(attempts[-1].pid, attempts[-1].pid_started)
        return identity if is_alive(identity) else unknown

    def _find_stuck(
        self, index: Database, commands: Sequence[Command], alive: Iterable[str]
    ) -> set[str]:
        """Runs that wrote nothing for long after they were asked to stop, by our own clock."""
        stopping = {run for run in alive if get_handled_stop([c for c in commands if c.run == run])}
        self._last_words = {r: seen for r, seen in self._last_words.items() if r in stopping}
        stuck = set()
        for run in stopping:
            written, now = self._last_write(run), time.monotonic()
            if run not in self._last_words or self._last_words[run][0] != written:
                self._last_words[run] = (written, now)
            if now - self._last_words[run][1] > self._get_patience(index, run):
                stuck.add(run)
        return stuck

    def _get_patience(self, index: Database, run: str) -> float:
        if self._patience is not None:
            return self._patience
        try:
            return stuck_after(get_run(index, run).config)
        except RftError:  # its settings cannot be read
            return STUCK_AFTER_SECONDS

    def _do(self, index: Database, action: Action, alive: dict[str, ProcessIdentity]) -> None:
        match action:
            case StartWorker(command):
                self._start(index, command)
            case AskToStop(command):
                if ask_to_end(alive[command.run]):
                    _say(f"{command.run}: asked its worker to stop")
                    set_command_handled(index, command.id)
            case KillWorker(command):
                if is_alive(alive[command.run]):
                    reason = _explain_kill(command)
                    _say(f"{command.run}: {reason}")
                    # Said before it is done: nobody shall see a dead worker without its reason.
                    set_command_handled(index, command.id, error=reason)
                    kill_group(alive[command.run])
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
        self._children[command.id] = process
        _say(f"{command.run}: started worker {identity.pid}")

    def _collect_ended(self, index: Database) -> None:
        """Note which workers are gone, and why one ended before it could say so itself."""
        codes = {id: child.poll() for id, child in self._children.items()}  # reaps them, too
        self._children = {id: c for id, c in self._children.items() if codes[id] is None}
        for command in list_commands(index):
            if command.worker_pid is None or command.worker_ended_at is not None:
                continue
            identity = ProcessIdentity(command.worker_pid, command.worker_started or 0.0)
            if command.id in self._children or is_alive(identity):
                continue
            code = codes.get(command.id)  # unknown of another supervisor's child
            _say(
                f"{command.run}: its worker ended" + ("" if code is None else f" with code {code}")
            )
            attempts = self._list_attempts(command.run)
            has_begun = any(attempt.command == command.id for attempt in attempts)
            is_taken = is_locked(get_worker_lock_path(self._runs_dir, command.run))
            error = None
            if code and code > 0 and not has_begun and not is_taken:
                last = self._last_line(command.run)
                error = f"The worker ended with code {code} before it began: {last}"
            set_worker_ended(index, command.id, error=error)

    def _list_attempts(self, run: str) -> list[WorkerLife]:
        if not has_database(self._runs_dir, run):
            return []
        with open_run(self._runs_dir, run) as db:
            return list_attempts(db)

    def _last_write(self, run: str) -> float:
        if not has_database(self._runs_dir, run):
            return 0.0
        with open_run(self._runs_dir, run) as db:
            progress = get_progress(db)
        return progress.updated_at if progress else 0.0

    def _last_line(self, run: str) -> str:
        text = get_worker_log_path(self._runs_dir, run).read_text(errors="replace").strip()
        return text.splitlines()[-1][:500] if text else "it printed nothing"


def _explain_kill(command: Command) -> str:
    if command.kind == "kill":
        return "Killed on request, without finishing its step or saving a checkpoint."
    return "Killed: after it was asked to stop, the worker got on with nothing for minutes."


def _say(text: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Start and stop the workers of a runs folder.")
    parser.add_argument(
        "--patience", type=float, help="seconds without progress after a stop, before SIGKILL"
    )
    parser.add_argument("--idle-exit", type=float, default=10.0, help="seconds without work")
    parser.add_argument(
        "--worker", nargs=argparse.REMAINDER, default=WORKER_COMMAND, help="the worker's command"
    )
    options = parser.parse_args()
    try:
        max_runs = read_max_runs()
    except RftError as error:
        _say(str(error))
        return error.exit_code
    supervisor = Supervisor(
        get_runs_dir(),
        worker_command=options.worker,
        max_runs=max_runs,
        patience=options.patience,
        idle_exit=options.idle_exit,
    )
    supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
