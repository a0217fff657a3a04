"""Which workers of a runs folder live, which ended and how, and which are stuck.

Asked of the backends and of what the workers wrote. What cannot be read of one run, because its
database is damaged or its folder gone, is no evidence; it never keeps the other runs waiting.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rft_core.errors import RftError
from rft_core.jobs.backends import Backend, WorkerEnd, read_handle
from rft_core.jobs.decisions import get_handled_stop
from rft_core.paths import get_worker_lock_path, get_worker_log_path
from rft_core.store.commands import START_KINDS, Command
from rft_core.store.run_reader import WorkerLife, get_progress, list_attempts, open_run
from rft_core.store.runs import get_run
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.run_lock import is_locked
from rft_core.store.state.status import STUCK_AFTER_SECONDS, stuck_after
from rft_core.training.ending import names_shortage

UNREADABLE = (RftError, sqlite3.Error, OSError)
UNSEEN = "The worker ended without a word (killed, or the machine went down), and nobody saw how."
LONGEST_LINE = 500  # characters of a log
LINES_LOOKED_AT = 60  # the end of a traceback with its causes
LAST_WORDS = 3  # lines


@dataclass(frozen=True)
class Worker:
    """A living worker. `handle` is the text that its backend knows it by."""

    run: str
    backend: Backend
    handle: str

    def is_alive(self) -> bool:
        return self.backend.is_alive(self.run, self.handle)

    def holds_run(self, runs_dir: Path) -> bool:
        """Until it has said its last word; its process ends a moment later."""
        return is_locked(get_worker_lock_path(runs_dir, self.run))

    def ask_to_stop(self) -> bool:
        return self.backend.ask_to_stop(self.run, self.handle)

    def kill(self) -> None:
        self.backend.kill(self.run, self.handle)


def find_worker(
    backends: Mapping[str, Backend], run: str, history: Sequence[Command]
) -> Worker | None:
    """The living worker of a run: the one that was started last, else whoever holds the run."""
    starts = [command for command in history if command.kind in START_KINDS]
    for command in reversed(starts):
        handle, backend = read_handle(command), backends.get(command.backend)
        if handle and backend and not command.worker_ended_at:
            worker = Worker(run, backend, handle)
            if worker.is_alive():
                return worker
    for backend in backends.values():
        if handle := backend.find(run):
            return Worker(run, backend, handle)
    return None


def has_ended(backends: Mapping[str, Backend], command: Command) -> bool:
    """Whether the worker that was started for this command is gone, and nobody has noted it."""
    handle, backend = read_handle(command), backends.get(command.backend)
    if handle is None or backend is None or command.worker_ended_at is not None:
        return False
    return not backend.is_alive(command.run, handle)


def explain_end(runs_dir: Path, command: Command, end: WorkerEnd, *, stopped: bool) -> str | None:
    """Why a worker ended that could not say so itself; None where it could.

    `stopped`: somebody asked for its end, and it may not have been able to listen yet.
    """
    attempts = list_attempts_of(runs_dir, command.run)
    answers = [attempt for attempt in attempts if attempt.command == command.id]
    if answers[-1].outcome if answers else stopped:
        return None
    if end.signal_text:
        last_words = _read_log_end(runs_dir, command.run)[-LAST_WORDS:]  # of the C++ runtime
        shortage = _quote_shortage(last_words)
        told = f": {shortage}" if shortage else "."
        return f"The worker was ended without a word by {end.signal_text}{told}"
    if end.code is None:
        return UNSEEN if answers else None
    is_taken = is_locked(get_worker_lock_path(runs_dir, command.run))
    if not answers and (end.code == 0 or is_taken):
        return None
    when = "without a word" if answers else "before it began"
    log = _read_log_end(runs_dir, command.run)
    line = _quote_shortage(log) or (log[-1][:LONGEST_LINE] if log else "it printed nothing")
    return f"The worker ended with code {end.code} {when}: {line}"


def list_attempts_of(runs_dir: Path, run: str) -> list[WorkerLife]:
    """Those that can be read."""
    try:
        with open_run(runs_dir, run) as db:
            return list_attempts(db)
    except UNREADABLE:
        return []


class Silence:
    """How long workers that were asked to stop have written nothing, by our own clock."""

    def __init__(self, runs_dir: Path, patience: float | None) -> None:
        """`patience` in seconds; None: as long as a run's settings make likely."""
        self._runs_dir, self._patience = runs_dir, patience
        # When each run that is stopping last wrote, and since when we have seen it write no more.
        self._last_words: dict[str, tuple[float, float]] = {}

    def find_stuck(
        self,
        index: Database,
        histories: Mapping[str, Sequence[Command]],
        alive: Mapping[str, Worker],
    ) -> set[str]:
        """The runs that have been silent for too long after they were asked to stop."""
        stopping = {run for run in alive if get_handled_stop(histories.get(run, ()))}
        self._last_words = {r: seen for r, seen in self._last_words.items() if r in stopping}
        stuck = set()
        for run in stopping:
            written, now = self._last_write(run), time.monotonic()
            if run not in self._last_words or self._last_words[run][0] != written:
                self._last_words[run] = (written, now)
            if now - self._last_words[run][1] > self._get_patience(index, run):
                stuck.add(run)
        return stuck

    def _last_write(self, run: str) -> float:
        with suppress(*UNREADABLE), open_run(self._runs_dir, run) as db:
            progress = get_progress(db)
            return progress.updated_at if progress else 0.0
        return 0.0

    def _get_patience(self, index: Database, run: str) -> float:
        if self._patience is not None:
            return self._patience
        try:
            return stuck_after(get_run(index, run).config)
        except RftError:  # its settings cannot be read
            return STUCK_AFTER_SECONDS


def _read_log_end(runs_dir: Path, run: str) -> list[str]:
    try:
        text = get_worker_log_path(runs_dir, run).read_text(errors="replace").strip()
    except OSError:
        return []
    return text.splitlines()[-LINES_LOOKED_AT:]


def _quote_shortage(log: Sequence[str]) -> str:
    """Where memory ran out, the line that says so, else "": others may guess at more below it."""
    line = next((line for line in reversed(log) if names_shortage(line)), "")
    return f"out of memory ({line.strip()[:LONGEST_LINE]})" if line else ""
