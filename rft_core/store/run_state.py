"""A run's state, derived from evidence: commands asked, the lock held, what the worker wrote.

No process writes "running" anywhere; a dead one could not take it back. What came first is told by
the commands' order and by which command a worker answers, never by comparing clocks. `RULES` is the
table from evidence to state.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlite_utils import Database

from rft_core.config import RunConfig
from rft_core.errors import NotFoundError, UnreadableRunError
from rft_core.paths import (
    get_heartbeat_path,
    get_run_dir,
    get_supervisor_lock_path,
    get_worker_lock_path,
)
from rft_core.store.index import (
    STOP_KINDS,
    Command,
    RunRow,
    check_run_exists,
    get_last_start,
    get_run,
    list_commands,
    list_runs,
)
from rft_core.store.process_identity import ProcessIdentity, is_alive
from rft_core.store.run_lock import is_locked
from rft_core.store.run_reader import (
    Attempt,
    Progress,
    get_progress,
    last_metrics,
    list_attempts,
    list_checkpoints,
    open_run,
    recent_step_seconds,
    training_seconds,
)

# The first row whose facts all hold gives the state. `Facts` says what each of them means.
RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    # A worker holds the run's lock.
    ("stopping", ("locked", "stop_wanted")),
    ("running", ("locked", "begun")),
    ("running", ("locked", "unreadable")),
    ("starting", ("locked",)),
    # No worker does.
    ("queued", ("waiting", "not stop_wanted")),
    ("unreadable", ("unreadable", "not process_lives")),
    # The last request to start was not answered by a worker's attempt, or not yet.
    ("failed", ("asked", "not answered", "not_started")),
    ("stopping", ("asked", "not answered", "process_lives", "stop_wanted")),
    ("starting", ("asked", "not answered", "process_lives")),
    ("stopped", ("asked", "not answered", "stop_wanted")),
    # Gone without a word: the supervisor, if there is one, has yet to say what it left behind.
    ("starting", ("asked", "not answered", "supervisor_will_say")),
    ("crashed", ("asked", "not answered")),
    ("queued", ("not answered",)),
    # It was: the worker said how it ended, or was killed because somebody asked for that, or not.
    ("finished", ("said_finished",)),
    ("stopped", ("said_stopped",)),
    ("failed", ("said_failed",)),
    ("needs_attention", ("said_needs_attention",)),
    ("stopped", ("killed_on_request",)),
    ("crashed", ()),
)
ACTIVE_STATES = ("queued", "starting", "running", "stopping")
STOPPABLE_STATES = ("queued", "starting", "running")
RESUMABLE_STATES = ("stopped", "failed", "crashed", "needs_attention")
STUCK_AFTER_SECONDS = 600.0
REWARD_PATIENCE = 10  # reward timeouts: several functions may hang, and each is tried twice
MUCH_TO_LOSE = 0.1  # of all steps


@dataclass(frozen=True)
class RunStatus:
    """A run as every list shows it. Times are in seconds.

    `duration` is training time over all lives; `step_seconds` the recent pace and `eta` what it
    promises. `resume_step` is where a resume would go on: the newest checkpoint with an optimizer.
    `heartbeat_age` tells whether the process is alive and gets the processor; `progress_age` when
    it last got on with its work. `sandbox_tier` is what code is locked in by; None: none was run.
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
    def is_stuck(self) -> bool:
        """Alive, but nothing has got on for long."""
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


@dataclass(frozen=True)
class Evidence:
    """What is known of a run, besides its commands and its settings.

    `locked`: a worker holds the run. `supervised`: a supervisor lives, who will say what became of
    a worker that it started. `problem`: why what it recorded cannot be read, as a sentence.
    """

    locked: bool
    supervised: bool = False
    attempts: Sequence[Attempt] = ()
    progress: Progress | None = None
    duration: float = 0.0
    step_seconds: float | None = None
    resume_step: int = 0
    last_train: dict[str, float] = field(default_factory=dict)
    last_validation: dict[str, float] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Facts:
    """What the rules look at.

    `locked`: a worker holds the run. `begun`: it makes steps. `unreadable`: what the run recorded
    is damaged, gone, or of a newer version. `asked`: a start was ever asked for, `waiting`: no
    supervisor has taken the last one up. `stop_wanted`: a stop or kill came after it. `answered`: a
    worker began an attempt for it. `not_started`: why it could not be is known. `process_lives`: a
    process was started for it and has yet to begin its attempt. `killed_on_request`: the supervisor
    killed it and says why. `said_...`: the worker's own last word.
    """

    locked: bool
    begun: bool
    unreadable: bool
    asked: bool
    waiting: bool
    stop_wanted: bool
    answered: bool
    not_started: bool
    process_lives: bool
    supervisor_will_say: bool
    killed_on_request: bool
    said_finished: bool
    said_stopped: bool
    said_failed: bool
    said_needs_attention: bool


def get_run_status(index: Database, runs_dir: Path, run_id: str) -> RunStatus:
    return _status(get_run(index, run_id), list_commands(index, run=run_id), runs_dir)


def list_run_statuses(index: Database, runs_dir: Path) -> list[RunStatus]:
    """Newest first, without the runs whose settings cannot be read."""
    by_run: dict[str, list[Command]] = {}
    for command in list_commands(index):
        by_run.setdefault(command.run, []).append(command)
    return [_status(run, by_run.get(run.id, []), runs_dir) for run in list_runs(index)]


def is_run_active(index: Database, runs_dir: Path, run_id: str) -> bool:
    """Also for a run whose settings cannot be read."""
    check_run_exists(index, run_id)
    commands = list_commands(index, run=run_id)
    return derive_state(commands, read_evidence(runs_dir, run_id)) in ACTIVE_STATES


def stuck_after(config: RunConfig) -> float:
    """Seconds without progress after which a worker counts as stuck."""
    return max(STUCK_AFTER_SECONDS, REWARD_PATIENCE * config.reward_timeout)


def derive_state(commands: Sequence[Command], evidence: Evidence) -> str:
    """The first of `RULES` that holds. `commands` are oldest first."""
    facts = asdict(gather_facts(commands, evidence))
    for state, conditions in RULES:
        if all(facts[c.removeprefix("not ")] != c.startswith("not ") for c in conditions):
            return state
    raise AssertionError("the last rule has no condition")


def gather_facts(commands: Sequence[Command], evidence: Evidence) -> Facts:
    start = get_last_start(commands)
    stops = get_stops(commands)
    answer = _get_answer(start, evidence.attempts)
    outcome = answer.outcome if answer else None
    return Facts(
        locked=evidence.locked,
        begun=answer is not None and _has_begun(evidence),
        unreadable=bool(evidence.problem),
        asked=start is not None,
        waiting=start is not None and start.handled_at is None,
        stop_wanted=bool(stops),
        answered=answer is not None,
        not_started=start is not None and start.error is not None,
        process_lives=start is not None and answer is None and _is_worker_alive(start),
        supervisor_will_say=evidence.supervised and bool(start and start.worker_ended_at is None),
        killed_on_request=bool(_kill_reason(stops)),
        said_finished=outcome == "finished",
        said_stopped=outcome == "stopped",
        said_failed=outcome == "failed",
        said_needs_attention=outcome == "needs_attention",
    )


def get_stops(commands: Sequence[Command]) -> list[Command]:
    """The stops and kills that were asked for after the last start, oldest first."""
    start = get_last_start(commands)
    return [c for c in commands if start and c.kind in STOP_KINDS and c.number > start.number]


def _get_answer(start: Command | None, attempts: Sequence[Attempt]) -> Attempt | None:
    """The newest life, if it is the one that was asked for last."""
    attempt = attempts[-1] if attempts else None
    return attempt if attempt and (start is None or attempt.command == start.id) else None


def _has_begun(evidence: Evidence) -> bool:
    progress = evidence.progress
    first = evidence.attempts[-1].from_step
    return progress is not None and (progress.step > first or progress.phase != "loading")


def _is_worker_alive(start: Command) -> bool:
    if start.worker_pid is None or start.worker_started is None:
        return False
    return is_alive(ProcessIdentity(start.worker_pid, start.worker_started))


def read_evidence(runs_dir: Path, run_id: str) -> Evidence:
    """Raises nothing for a damaged run: `problem` says what is wrong with it."""
    found = _look(runs_dir, run_id)
    while _seems_crashed(found):
        # A worker may have taken the lock and begun after we looked at the lock. Look again: if
        # the newest attempt is still the same one and the lock is free, then it is gone.
        again = _look(runs_dir, run_id)
        if len(again.attempts) == len(found.attempts):
            return again
        found = again
    return found


def _seems_crashed(found: Evidence) -> bool:
    return not found.locked and bool(found.attempts) and found.attempts[-1].outcome is None


def _look(runs_dir: Path, run_id: str) -> Evidence:
    # The lock before the rest: a worker that ends in between has then spoken before it is read.
    locked = is_locked(get_worker_lock_path(runs_dir, run_id))
    supervised = is_locked(get_supervisor_lock_path(runs_dir))
    if not get_run_dir(runs_dir, run_id).is_dir():
        return Evidence(locked, supervised, problem="The run's folder is gone.")
    try:
        with open_run(runs_dir, run_id) as db:
            return _read_database(db, locked, supervised)
    except NotFoundError:
        return Evidence(locked, supervised)
    except UnreadableRunError as error:
        return Evidence(locked, supervised, problem=str(error))


def _read_database(db: Database, locked: bool, supervised: bool) -> Evidence:
    resumable = [c.step for c in list_checkpoints(db) if c.resumable]
    return Evidence(
        locked,
        supervised,
        list_attempts(db),
        get_progress(db),
        training_seconds(db),
        recent_step_seconds(db),
        max(resumable, default=0),
        last_metrics(db),
        last_metrics(db, "validation"),
    )


def _status(run: RunRow, commands: Sequence[Command], runs_dir: Path) -> RunStatus:
    found = read_evidence(runs_dir, run.id)
    state = derive_state(commands, found)
    progress = found.progress
    step = progress.step if progress else 0
    max_steps = progress.max_steps if progress else run.config.max_steps
    # Until the worker begins its attempt, the progress is that of an earlier one.
    answer = _get_answer(get_last_start(commands), found.attempts)
    now = progress if found.locked and answer else None
    pace = found.step_seconds
    return RunStatus(
        run=run, state=state, step=step, max_steps=max_steps,
        phase=now.phase if now else "", detail=now.detail if now else "",
        message=_message(found, commands, state),
        duration=found.duration, step_seconds=pace,
        eta=pace * (max_steps - step) if pace and state == "running" else None,
        resume_step=found.resume_step,
        last_train=found.last_train, last_validation=found.last_validation,
        heartbeat_age=_heartbeat_age(runs_dir, run.id) if found.locked else None,
        progress_age=time.time() - now.updated_at if now else None,
        sandbox_tier=found.attempts[-1].sandbox_tier if found.attempts else None,
    )  # fmt: skip


def _message(found: Evidence, commands: Sequence[Command], state: str) -> str:
    if found.problem:
        return found.problem
    attempts, start = found.attempts, get_last_start(commands)
    if start and start.error and not _get_answer(start, attempts):
        return start.error
    if state == "crashed":
        return "The worker ended without a word (killed, or the machine went down)."
    spoken = attempts and attempts[-1].outcome and attempts[-1].message
    return spoken or (_kill_reason(get_stops(commands)) if state == "stopped" else "")


def _kill_reason(stops: Sequence[Command]) -> str:
    return next((stop.error for stop in reversed(stops) if stop.error), "")


def _heartbeat_age(runs_dir: Path, run_id: str) -> float | None:
    try:
        return time.time() - get_heartbeat_path(runs_dir, run_id).stat().st_mtime
    except FileNotFoundError:
        return None
