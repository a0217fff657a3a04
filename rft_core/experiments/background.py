"""An experiment under way in the background, by a process that no closed browser can reach.

The process is `python -m rft_core experiment`: it holds a lock for as long as it lives.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rft_core.experiments.design import Experiment
from rft_core.jobs.processes import ask_to_end, start_detached
from rft_core.paths import get_experiment_lock_path, get_experiment_log_path
from rft_core.store.state.process_identity import get_identity
from rft_core.store.state.run_lock import FileLock, LockForChild, is_locked, read_holder


@contextmanager
def hold(runs_dir: Path, experiment: Experiment) -> Iterator[None]:
    """Be the one who works through it. Raises `WorkerError` where another process is."""
    lock = FileLock(get_experiment_lock_path(runs_dir, experiment.name))
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def start_experiment(runs_dir: Path, experiment: Experiment) -> None:
    """Begin, or go on where it ended. Raises `WorkerError` where it is under way already."""
    options = ["--quick"] if experiment.quick else []
    with LockForChild(get_experiment_lock_path(runs_dir, experiment.name)) as lock:
        process = start_detached(
            [sys.executable, "-m", "rft_core", "experiment", experiment.design, *options],
            log_path=get_experiment_log_path(runs_dir, experiment.name),
            runs_dir=runs_dir,
            lock=lock,
        )
        lock.sign(get_identity(process.pid))
    threading.Thread(target=process.wait, daemon=True).start()  # it must not stay a zombie


def stop_experiment(runs_dir: Path, experiment: Experiment) -> None:
    """The run under way saves a checkpoint; asked to start again, the experiment goes on there."""
    if holder := read_holder(get_experiment_lock_path(runs_dir, experiment.name)):
        ask_to_end(holder)


def is_under_way(runs_dir: Path, experiment: Experiment) -> bool:
    return is_locked(get_experiment_lock_path(runs_dir, experiment.name))


def read_last_words(runs_dir: Path, experiment: Experiment) -> str:
    """The last line of its log: why it ended, where it ended early. Empty without one."""
    try:
        text = get_experiment_log_path(runs_dir, experiment.name).read_text(errors="replace")
    except FileNotFoundError:
        return ""
    return next(iter(text.strip().splitlines()[-1:]), "")
