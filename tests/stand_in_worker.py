"""A worker without a model: it locks, begins an attempt, records steps, and obeys SIGTERM.

Its behaviour is the run's name: "" makes `max_steps` steps, "endless" makes steps until it is told
to stop, "deaf" does so too but ignores SIGTERM, "stuck" moreover records one step only, "broken"
dies before it begins, "failing" ends with an error, "lingering" makes endless steps and takes its
time to leave, until after it was asked to go on.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.paths import (
    get_checkpoints_dir,
    get_heartbeat_path,
    get_runs_dir,
    get_worker_lock_path,
)
from rft_core.store.commands import Command, get_last_start, list_commands
from rft_core.store.index import open_index
from rft_core.store.run_reader import list_checkpoints, open_run
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.store.runs import get_run
from rft_core.store.state.process_identity import get_identity
from rft_core.store.state.run_lock import FileLock
from rft_core.training.heartbeat import heartbeat
from rft_core.training.saving.checkpoints import write_checkpoint

STEP_SECONDS = 0.01
LINGER_SECONDS = 1.0  # a few ticks of a supervisor


def main(run_id: str) -> None:
    stop_asked = threading.Event()
    runs_dir = get_runs_dir()
    with open_index(runs_dir) as index:
        config = get_run(index, run_id).config
        start = get_last_start(list_commands(index, run=run_id))
    if config.name == "broken":
        sys.exit("no such model")
    is_deaf = config.name in ("deaf", "stuck")
    signal.signal(signal.SIGTERM, lambda *_: None if is_deaf else stop_asked.set())
    lock = FileLock(get_worker_lock_path(runs_dir, run_id))
    lock.acquire()
    with heartbeat(get_heartbeat_path(runs_dir, run_id), lock.is_in_place, stop_asked.set):
        live(run_id, runs_dir, config, start, stop_asked)
    if config.name == "lingering":
        lock.release()
        linger(runs_dir, run_id, start)


def linger(runs_dir: Path, run_id: str, answered: Command | None) -> None:
    with open_index(runs_dir) as index:
        while (newest := get_last_start(list_commands(index, run=run_id))) and answered:
            if newest.id != answered.id:
                break
            time.sleep(0.01)
    time.sleep(LINGER_SECONDS)


def live(
    run_id: str,
    runs_dir: Path,
    config: RunConfig,
    start: Command | None,
    stop_asked: threading.Event,
) -> None:
    writer = RunWriter(runs_dir, run_id)
    with open_run(runs_dir, run_id) as db:
        first = max((c.step for c in list_checkpoints(db) if c.resumable), default=0)
    process = get_identity(os.getpid())
    writer.start_attempt(
        from_step=first, pid=process.pid, pid_started=process.started,
        command=start.id if start else None,
    )  # fmt: skip
    if config.name == "failing":
        writer.end_attempt("failed", "the loss is not finite")
        sys.exit(1)
    last = config.max_steps if config.name == "" else 10**9
    step = first
    while step < last and not stop_asked.wait(STEP_SECONDS):
        step += 1
        if step > 1 and config.name == "stuck":
            continue
        writer.record_step(StepRecord(step, "train", {"reward": step / 100}), max_steps=last)
    with write_checkpoint(get_checkpoints_dir(runs_dir, run_id), step) as folder:
        (folder / "adapter_model.safetensors").write_text(f"{run_id} at step {step}")
    writer.add_checkpoint(step=step, resumable=True)
    writer.end_attempt("stopped" if stop_asked.is_set() else "finished")


main(sys.argv[1])
