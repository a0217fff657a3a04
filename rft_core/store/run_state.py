"""A run's state, derived from evidence: commands asked, the lock held, what the worker wrote.

No process writes "running" anywhere; a dead one could not take it back.

    queued           asked for, no worker started yet
    starting         a worker was started and has not reached its first step
    running          the lock is held and steps are being made
    stopping         a stop was asked for and the worker still lives
    needs_attention  the worker paused and says why
    stopped / finished / failed    the worker said so before it ended
    crashed          the worker is gone and said nothing
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlite_utils import Database

from rft_core.paths import get_heartbeat_path, get_worker_lock_path
from rft_core.store.index import Command, RunRow, get_run, list_commands, list_runs
from rft_core.store.run_lock import is_locked
from rft_core.store.run_reader import (
    Attempt,
    Progress,
    get_progress,
    has_database,
    last_metrics,
    list_attempts,
    open_run,
    training_seconds,
)

ACTIVE_STATES = ("queued", "starting", "running", "stopping")
ENDED_STATES = ("stopped", "finished", "failed", "crashed", "needs_attention")
STARTING_COMMANDS = ("launch", "resume")
STUCK_AFTER_SECONDS = 120.0


@dataclass(frozen=True)
class RunStatus:
    """A run as every list shows it. `step_seconds` is the recent pace; `eta` is in seconds."""

    run: RunRow
    state: str
    step: int
    max_steps: int
    phase: str
    detail: str
    message: str
    duration: float
    eta: float | None
    last_train: dict[str, float]
    last_validation: dict[str, float]
    heartbeat_age: float | None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def is_stuck(self) -> bool:
        """Alive, but silent for long."""
        age = self.heartbeat_age
        return self.state == "running" and age is not None and age > STUCK_AFTER_SECONDS


def get_run_status(index: Database, runs_dir: Path, run_id: str) -> RunStatus:
    return _status(get_run(index, run_id), list_commands(index, run=run_id), runs_dir)


def list_run_statuses(index: Database, runs_dir: Path) -> list[RunStatus]:
    """Newest first."""
    by_run: dict[str, list[Command]] = {}
    for command in list_commands(index):
        by_run.setdefault(command.run, []).append(command)
    return [_status(run, by_run.get(run.id, []), runs_dir) for run in list_runs(index)]


def derive_state(
    commands: Sequence[Command], attempts: Sequence[Attempt], *, locked: bool, step_reached: bool
) -> str:
    """The rules of the module docstring, on evidence alone. `commands` are oldest first."""
    last_start = _last(commands, STARTING_COMMANDS)
    last_stop = _last(commands, ("stop",))
    stop_wanted = bool(last_stop and last_start and last_stop.created_at > last_start.created_at)
    attempt = attempts[-1] if attempts else None
    if locked:
        if stop_wanted:
            return "stopping"
        return "running" if step_reached else "starting"
    if last_start and last_start.handled_at is None and not stop_wanted:
        return "queued"
    answered = attempt and (not last_start or attempt.started_at >= last_start.created_at)
    if last_start and not answered:
        return _state_before_attempt(last_start, stop_wanted)
    if attempt is None:
        return "queued"
    return attempt.outcome or "crashed"


def _state_before_attempt(start: Command, stop_wanted: bool) -> str:
    """A worker was (or was not) started and has not opened its database yet."""
    if start.error:
        return "failed"
    if start.worker_pid and _is_same_process(start.worker_pid, start.worker_started):
        return "stopping" if stop_wanted else "starting"
    return "stopped" if stop_wanted else "crashed"


def _status(run: RunRow, commands: Sequence[Command], runs_dir: Path) -> RunStatus:
    attempts: list[Attempt] = []
    progress: Progress | None = None
    train: dict[str, float] = {}
    validation: dict[str, float] = {}
    duration = 0.0
    # Evidence is read before the lock: a worker that ends in between has then already spoken.
    locked = is_locked(get_worker_lock_path(runs_dir, run.id))
    if has_database(runs_dir, run.id):
        with open_run(runs_dir, run.id) as db:
            attempts, progress = list_attempts(db), get_progress(db)
            train, validation = last_metrics(db), last_metrics(db, "validation")
            duration = training_seconds(db)
    step = progress.step if progress else 0
    first_step = attempts[-1].from_step if attempts else 0
    reached = bool(progress and (step > first_step or progress.phase != "loading"))
    state = derive_state(commands, attempts, locked=locked, step_reached=reached)
    max_steps = progress.max_steps if progress else run.config.max_steps
    return RunStatus(
        run=run, state=state, step=step, max_steps=max_steps,
        phase=progress.phase if progress and locked else "",
        detail=progress.detail if progress and locked else "",
        message=_message(attempts, commands, state),
        duration=duration,
        eta=duration / step * (max_steps - step) if step and state == "running" else None,
        last_train=train, last_validation=validation,
        heartbeat_age=_heartbeat_age(runs_dir, run.id) if locked else None,
    )  # fmt: skip


def _message(attempts: Sequence[Attempt], commands: Sequence[Command], state: str) -> str:
    start = _last(commands, STARTING_COMMANDS)
    if state == "failed" and start and start.error:
        return start.error
    if state == "crashed":
        return "The worker ended without a word (killed, or the machine went down)."
    return (attempts[-1].message or "") if attempts else ""


def _last(commands: Sequence[Command], kinds: Sequence[str]) -> Command | None:
    return next((c for c in reversed(commands) if c.kind in kinds), None)


def _heartbeat_age(runs_dir: Path, run_id: str) -> float | None:
    try:
        return time.time() - get_heartbeat_path(runs_dir, run_id).stat().st_mtime
    except FileNotFoundError:
        return None


def _is_same_process(pid: int, started: float | None) -> bool:
    """Pids are reused and zombies answer signals: compare the start time, refuse zombies."""
    try:
        process = psutil.Process(pid)
        same = started is None or abs(process.create_time() - started) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
