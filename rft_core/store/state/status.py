"""A run's status as every list shows it: its state, how far it is, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.paths import get_heartbeat_path, get_worker_lock_path
from rft_core.store.commands import Command, get_last_start, list_commands
from rft_core.store.runs import RunRow, check_run_exists, get_run, list_runs
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.evidence import Evidence, read_evidence
from rft_core.store.state.kept_evidence import read_all_evidence
from rft_core.store.state.process_identity import is_suspended
from rft_core.store.state.rules import (
    ACTIVE_STATES,
    RESUMABLE_STATES,
    STOPPABLE_STATES,
    TROUBLE_STATES,
    derive_state,
    get_answer,
    get_kill_reason,
    get_stops,
)
from rft_core.store.state.run_lock import read_holder

STUCK_AFTER_SECONDS = 600.0
SILENT_AFTER_SECONDS = 10.0  # without a heartbeat, which comes every second
REWARD_PATIENCE = 10  # reward timeouts: several functions may hang, and each is tried twice
MUCH_TO_LOSE = 0.1  # of all steps


@dataclass(frozen=True)
class RunStatus:
    """A run as every list shows it. Times are in seconds.

    `duration` is training time over all lives; `step_seconds` the recent pace and `eta` what it
    promises. `resume_step` is where a resume would go on: the newest checkpoint with an optimizer.
    `heartbeat_age` tells whether the process is alive and gets the processor; `progress_age` when
    it last made progress; `not_responding` says why there is no heartbeat, "" where there is one.
    `sandbox_tier` is what code is locked in by; None: none was run. `share_done` is how much of
    what it does now is over, from 0 to 1, and `part_left` what is left of that; None where no end
    is known.
    """

    run: RunRow
    state: str
    step: int
    max_steps: int
    phase: str
    detail: str
    message: str
    duration: float
    step_seconds: float | None
    eta: float | None
    resume_step: int
    last_train: dict[str, float]
    last_validation: dict[str, float]
    heartbeat_age: float | None
    progress_age: float | None
    sandbox_tier: str | None
    not_responding: str = ""
    share_done: float | None = None
    part_left: float | None = None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def is_stoppable(self) -> bool:
        return self.state in STOPPABLE_STATES

    @property
    def is_resumable(self) -> bool:
        return self.state in RESUMABLE_STATES

    @property
    def is_in_trouble(self) -> bool:
        """It ended in a way that somebody should look at; `message` says why."""
        return self.state in TROUBLE_STATES

    @property
    def is_stuck(self) -> bool:
        """Alive, but without progress for long."""
        age = self.progress_age
        return age is not None and age > stuck_after(self.run.config)

    @property
    def resume_text(self) -> str:
        """What a resume would keep and what it would make again."""
        begin = self.resume_step
        if self.step <= begin:
            return f"Training goes on after step {begin}; nothing is lost." if begin else ""
        one, many = f"step {self.step} is", f"steps {begin + 1} to {self.step} are"
        again = one if self.step == begin + 1 else many
        if not begin:
            return f"It has no checkpoint to go on from: {again} made again from the start."
        return f"Training goes on from the checkpoint at step {begin}; {again} made again."

    @property
    def resume_loses_much(self) -> bool:
        """Whether to ask before resuming: what is made again replaces what is recorded."""
        lost = self.step - self.resume_step
        return lost > 0 and (not self.resume_step or lost > MUCH_TO_LOSE * self.max_steps)


def get_run_status(index: Database, runs_dir: Path, run_id: str) -> RunStatus:
    run, commands = get_run(index, run_id), list_commands(index, run=run_id)
    return _status(run, commands, read_evidence(runs_dir, run_id), runs_dir)


def list_run_statuses(
    index: Database, runs_dir: Path, *, limit: int | None = None
) -> list[RunStatus]:
    """The newest `limit` (None: all), newest first, without those whose settings cannot be read.

    Those that have not ended cost the opening of a database each: see `kept_evidence.py`.
    """
    runs = list_runs(index, limit=limit)
    by_run: dict[str, list[Command]] = {run.id: [] for run in runs}
    for command in list_commands(index):
        if command.run in by_run:
            by_run[command.run].append(command)
    evidence = read_all_evidence(index, runs_dir, [run.id for run in runs])
    return [_status(run, by_run[run.id], evidence[run.id], runs_dir) for run in runs]


def is_run_active(index: Database, runs_dir: Path, run_id: str) -> bool:
    """Also for a run whose settings cannot be read."""
    return get_run_state(index, runs_dir, run_id) in ACTIVE_STATES


def get_run_state(index: Database, runs_dir: Path, run_id: str) -> str:
    """Also of a run whose settings cannot be read. Raises `NotFoundError`."""
    check_run_exists(index, run_id)
    commands = list_commands(index, run=run_id)
    return derive_state(commands, read_evidence(runs_dir, run_id))


def stuck_after(config: RunConfig) -> float:
    """Seconds without progress after which a worker counts as stuck."""
    return max(STUCK_AFTER_SECONDS, REWARD_PATIENCE * config.reward_timeout)


def _status(run: RunRow, commands: Sequence[Command], found: Evidence, runs_dir: Path) -> RunStatus:
    state = derive_state(commands, found)
    progress = found.progress
    step = progress.step if progress else 0
    max_steps = progress.max_steps if progress else run.config.max_steps
    # Until the worker begins its attempt, the progress is that of an earlier one.
    answer = get_answer(get_last_start(commands), found.attempts)
    now = progress if found.locked and answer else None
    pace = found.step_seconds
    heartbeat_age = _heartbeat_age(runs_dir, run.id) if found.locked else None
    return RunStatus(
        run=run, state=state, step=step, max_steps=max_steps,
        phase=now.phase if now else "", detail=now.detail if now else "",
        message=_message(found, commands, state),
        duration=found.duration, step_seconds=pace,
        eta=pace * (max_steps - step) if pace and state == "running" else None,
        resume_step=found.resume_step,
        last_train=found.last_train, last_validation=found.last_validation,
        heartbeat_age=heartbeat_age,
        progress_age=time.time() - now.updated_at if now else None,
        sandbox_tier=found.attempts[-1].sandbox_tier if found.attempts else None,
        not_responding=_find_silence(runs_dir, run.id, heartbeat_age),
        share_done=now.share if now else None, part_left=now.seconds_left if now else None,
    )  # fmt: skip


def _message(found: Evidence, commands: Sequence[Command], state: str) -> str:
    if found.problem:
        return found.problem
    start = get_last_start(commands)
    answer = get_answer(start, found.attempts)
    if state == "stopped" and not (answer and answer.outcome):
        return get_kill_reason(get_stops(commands))
    if start and start.error and (state == "crashed" or not answer):
        return start.error
    if state == "crashed":
        return "The worker ended without a word (killed, or the machine went down)."
    newest = found.attempts[-1] if found.attempts else None
    return (newest.message or "") if newest and newest.outcome else ""


def _find_silence(runs_dir: Path, run_id: str, heartbeat_age: float | None) -> str:
    """Why a worker that holds its run does nothing; looked for once its heartbeat is old."""
    if heartbeat_age is None or heartbeat_age < SILENT_AFTER_SECONDS:
        return ""
    since = f"The worker has not responded for {heartbeat_age:.0f} s"
    holder = read_holder(get_worker_lock_path(runs_dir, run_id))
    if holder and is_suspended(holder):
        return f"{since}: its process is stopped. It goes on after: kill -CONT {holder.pid}"
    return f"{since}: its process gets no processor time, or no disk."


def _heartbeat_age(runs_dir: Path, run_id: str) -> float | None:
    """None before the first beat. That of an earlier worker says nothing of this one, which signed
    the lock later."""
    signed, beaten = get_worker_lock_path(runs_dir, run_id), get_heartbeat_path(runs_dir, run_id)
    try:
        last = max(signed.stat().st_mtime, beaten.stat().st_mtime)
    except FileNotFoundError:
        return None
    return time.time() - last
