"""What is known of a run besides its commands: the lock, and what its worker wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rft_core.errors import NotFoundError, UnreadableRunError
from rft_core.paths import get_run_dir, get_supervisor_lock_path, get_worker_lock_path
from rft_core.store.run_reader import (
    RunProgress,
    WorkerLife,
    get_progress,
    last_metrics,
    last_step_without_gap,
    list_attempts,
    list_checkpoints,
    open_run,
    recent_step_seconds,
    training_seconds,
)
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.run_lock import is_locked


@dataclass(frozen=True)
class Evidence:
    """What is known of a run, besides its commands and its settings.

    `locked`: a worker holds the run. `supervised`: a supervisor lives, who will say what became of
    a worker that it started. `problem`: why what it recorded cannot be read, as a sentence.
    """

    locked: bool
    supervised: bool = False
    attempts: Sequence[WorkerLife] = ()
    progress: RunProgress | None = None
    duration: float = 0.0
    step_seconds: float | None = None
    resume_step: int = 0
    last_train: dict[str, float] = field(default_factory=dict)
    last_validation: dict[str, float] = field(default_factory=dict)
    problem: str = ""


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
            return read_recorded(db, locked, supervised)
    except NotFoundError:
        return Evidence(locked, supervised)
    except UnreadableRunError as error:
        return Evidence(locked, supervised, problem=str(error))


def read_recorded(db: Database, locked: bool = False, supervised: bool = False) -> Evidence:
    """What the worker wrote, beside what is known of the locks."""
    whole = last_step_without_gap(db)
    resumable = [c.step for c in list_checkpoints(db) if c.resumable and c.step <= whole]
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
