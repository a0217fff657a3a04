"""The supervisor: the one process of a runs folder that starts and stops workers.

    python -m rft_core.jobs.supervisor

It reads the commands of `index.db`, asks `decisions.decide` what to do and has a backend do it. It
ends when nothing is left to do. Killing it harms no run: workers live on, and the next supervisor
finds them. A worker that was asked to stop has all the time that its step and its checkpoint take;
it is killed only when somebody asks for that, or when it makes no progress for minutes. What fails
for one run is told to that run and stops no other; it acts first and speaks afterwards.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rft_core.errors import RftError, WorkerError
from rft_core.jobs.alerts import Teller
from rft_core.jobs.backends import Backend, LocalBackend, read_handle
from rft_core.jobs.backends.local import WORKER_COMMAND
from rft_core.jobs.column_building import ColumnsOfLiving
from rft_core.jobs.decisions import (
    Action,
    AskToStop,
    KillWorker,
    Settle,
    StartWorker,
    decide,
)
from rft_core.jobs.processes import read_max_runs
from rft_core.jobs.readiness import end_wish, is_readiness_wished
from rft_core.jobs.workers import (
    UNREADABLE,
    Silence,
    Worker,
    explain_end,
    find_worker,
    has_ended,
)
from rft_core.paths import (
    get_run_dir,
    get_runs_dir,
    get_supervisor_lock_path,
    keep_files_private,
)
from rft_core.store.commands import (
    START_KINDS,
    Command,
    list_commands,
    list_open_commands,
    set_command_handled,
    set_worker_ended,
)
from rft_core.store.index import open_index
from rft_core.store.runs import list_run_ids
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.rules import KILLED_ON_REQUEST, get_stops
from rft_core.store.state.run_lock import FileLock

KILLED_AS_STUCK = "Killed: after it was asked to stop, the worker made no progress for minutes."
MOST_FAILURES = 40  # ticks in a row; with the pauses between them, about six minutes
LONGEST_PAUSE = 10.0  # seconds


class Supervisor:
    """`backends`: a command names the one whose worker answers it. Times are in seconds.

    `patience`: how long a worker that was asked to stop may write nothing; None: as long as the
    run's settings make likely.
    """

    def __init__(
        self,
        runs_dir: Path,
        backends: Sequence[Backend],
        *,
        max_runs: int = 1,
        patience: float | None = None,
        idle_exit: float = 10.0,
        poll: float = 0.2,
    ) -> None:
        self._runs_dir = runs_dir
        self._backends = {backend.name: backend for backend in backends}
        self._max_runs, self._idle_exit, self._poll = max_runs, idle_exit, poll
        self._silence = Silence(runs_dir, patience)
        self._columns = ColumnsOfLiving(runs_dir)
        # Runs to look at although no command is open: None until all have been looked at once.
        self._watched: set[str] | None = None
        self._said: set[str] = set()
        self._teller = Teller(runs_dir, _say)

    def run(self) -> int:
        """Serve until idle; return at once when another supervisor lives. The exit code."""
        lock = FileLock(get_supervisor_lock_path(self._runs_dir))
        while True:
            try:
                lock.acquire()
            except WorkerError:
                return 0
            try:
                code = self._serve_until_idle(lock)
            finally:
                lock.release()
            # A command may have come between the last look and the release of the lock, while its
            # asker still saw a living supervisor.
            if code is not None or not self._has_pending():
                return code or 0

    def tick(self) -> bool:
        """Answer what can be answered now. True while anything is pending or alive."""
        with open_index(self._runs_dir) as index:
            if self._watched is None:
                self._watched = set(list_run_ids(index))
            commands = list_open_commands(index, also=self._watched)
            histories: dict[str, list[Command]] = {run: [] for run in self._watched}
            for command in commands:
                histories.setdefault(command.run, []).append(command)
            for run, history in histories.items():
                with self._apart(run):
                    self._note_ended(index, history)
            alive = self._find_alive(histories)
            self._watched = set(alive)
            stuck = self._silence.find_stuck(index, histories, alive)
            closing = {run for run, worker in alive.items() if not worker.holds_run(self._runs_dir)}
            actions = decide(
                commands, alive.keys(), max_runs=self._max_runs, closing=closing, stuck=stuck
            )
            failures = [self._answer(index, action, alive) for action in actions]
        starts = {c.run for c in commands if c.handled_at is None and c.kind in START_KINDS}
        with self._apart("alerts"):
            self._teller.look({*alive, *starts})
        is_awaited = self._keep_ready(len(alive)) or self._teller.is_busy
        self._columns.look_after(alive)
        if failure := next(filter(None, failures), None):
            raise failure
        return bool(alive) or is_awaited or any(command.handled_at is None for command in commands)

    def _keep_ready(self, alive: int) -> bool:
        """A worker for the run that somebody is about to launch, if it could begin at once."""
        is_wished = alive < self._max_runs and is_readiness_wished(self._runs_dir)
        for name, backend in self._backends.items():
            with self._apart(f"a spare worker, {name}"):
                backend.keep_ready(is_wished)
        return is_wished

    def _serve_until_idle(self, lock: FileLock) -> int | None:
        """The exit code if it must end; None when there is nothing to do."""
        last_busy, failures = time.monotonic(), 0
        while lock.is_in_place():
            now = time.monotonic()
            try:
                if self.tick():
                    last_busy = now
                elif now - last_busy > self._idle_exit:
                    return None
                failures = 0
            except Exception as error:  # whatever it is, others' commands are waiting
                failures, last_busy = failures + 1, now
                _say(f"failed {failures} times: {type(error).__name__}: {error}")
                if failures >= MOST_FAILURES:
                    _say("giving up; the next command or page starts another supervisor")
                    return 1
            time.sleep(min(self._poll * (1 + failures), LONGEST_PAUSE))
        _say(f"{self._runs_dir} was moved or deleted: this supervisor ends, its workers will, too")
        return 1

    def _has_pending(self) -> bool:
        with open_index(self._runs_dir) as index:
            return bool(list_commands(index, pending_only=True))

    def _find_alive(self, histories: Mapping[str, Sequence[Command]]) -> dict[str, Worker]:
        alive = {}
        for run, history in histories.items():
            with self._apart(run):
                if worker := find_worker(self._backends, run, history):
                    alive[run] = worker
        return alive

    def _note_ended(self, index: Database, history: Sequence[Command]) -> None:
        """Note which workers are gone, and why one ended that could not say so itself."""
        for command in history:
            if not has_ended(self._backends, command):
                continue
            end = self._backends[command.backend].get_end(command.run, read_handle(command) or "")
            stopped = bool(get_stops(history))
            error = explain_end(self._runs_dir, command, end, stopped=stopped)
            set_worker_ended(index, command.id, error=error)
            how = "" if end.code is None else f" with code {end.code}"
            _say(f"{command.run}: its worker ended{how}")

    @contextmanager
    def _apart(self, run: str) -> Iterator[None]:
        """What fails here concerns this run alone: it is said once, and tried again."""
        try:
            yield
        except UNREADABLE as error:
            words = f"{run}: {type(error).__name__}: {error}"
            if words not in self._said:
                self._said.add(words)
                _say(words)

    def _answer(
        self, index: Database, action: Action, alive: Mapping[str, Worker]
    ) -> Exception | None:
        """A command that cannot be answered is settled with the reason.

        What keeps even that from being written is returned: all that is left to do comes first.
        """
        command = action.command
        try:
            self._do(index, action, alive)
        except UNREADABLE as error:
            reason = (
                str(error) if isinstance(error, RftError) else f"{type(error).__name__}: {error}"
            )
            _say(f"{command.run}: could not {command.kind} it: {reason}")
            try:
                set_command_handled(
                    index, command.id, error=f"Could not {command.kind} it: {reason}"
                )
            except UNREADABLE as failure:
                return failure
        return None

    def _do(self, index: Database, action: Action, alive: Mapping[str, Worker]) -> None:
        worker = alive.get(action.command.run)
        match action:
            case StartWorker(command):
                self._start(index, command)
            case AskToStop(command) if worker:
                if worker.ask_to_stop():
                    set_command_handled(index, command.id)
                    _say(f"{worker.run}: asked its worker to stop")
            case KillWorker(command) if worker and command.kind == "kill":
                worker.kill()
                set_command_handled(index, command.id, error=KILLED_ON_REQUEST)
                _say(f"{worker.run}: {KILLED_ON_REQUEST}")
            case KillWorker(command) if worker:
                with suppress(*UNREADABLE):  # without words, but an end
                    set_command_handled(index, command.id, error=KILLED_AS_STUCK)
                worker.kill()
                _say(f"{worker.run}: {KILLED_AS_STUCK}")
            case Settle(command) if worker and command.kind in START_KINDS:
                # Answered by a worker that another supervisor started: its end is still to note.
                set_command_handled(
                    index, command.id, backend=worker.backend.name, handle=worker.handle
                )
            case _:
                set_command_handled(index, action.command.id)

    def _start(self, index: Database, command: Command) -> None:
        if not get_run_dir(self._runs_dir, command.run).is_dir():
            set_command_handled(index, command.id, error="The run's folder is gone.")
            return
        backend = self._backends.get(command.backend)
        if backend is None:
            raise WorkerError(
                f"There is no backend named '{command.backend}'",
                "The run was launched with another version of RFT Studio",
                "Use that version, or launch the run's settings anew",
            )
        end_wish(self._runs_dir)
        handle = backend.start(command.run)
        set_command_handled(index, command.id, backend=backend.name, handle=handle)
        _say(f"{command.run}: started worker {handle}")


def _say(text: str) -> None:
    """On a full disk nothing is said, and everything else goes on."""
    with suppress(OSError, ValueError):
        print(time.strftime("%Y-%m-%d %H:%M:%S"), text, flush=True)


def main() -> int:
    keep_files_private()
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
    runs_dir = get_runs_dir()
    supervisor = Supervisor(
        runs_dir,
        [LocalBackend(runs_dir, options.worker)],
        max_runs=max_runs,
        patience=options.patience,
        idle_exit=options.idle_exit,
    )
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main())
