"""A runs folder with a real supervisor process whose workers are stand-ins without a model."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from rft_core.config import make_config
from rft_core.jobs.launcher import stop, wait_for_end
from rft_core.jobs.processes import SUPERVISOR_COMMAND, ensure_supervisor
from rft_core.paths import (
    PROJECT_ROOT,
    get_run_dir,
    get_supervisor_lock_path,
    get_worker_lock_path,
)
from rft_core.store.commands import add_command
from rft_core.store.index import open_index
from rft_core.store.run_reader import list_attempts, open_run
from rft_core.store.runs import RunRow, add_run, list_runs
from rft_core.store.state.run_lock import is_locked
from rft_core.store.state.status import RunStatus, get_run_status

SUPERVISOR = "rft_core.jobs.supervisor"
WORKER = "tests.stand_in_worker"
DEADLINE_SECONDS = 60.0


def await_truth(evidence: Callable[[], object], what: str) -> None:
    """Poll until the evidence is there; fail loudly at the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not evidence():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)


@dataclass
class RunsFolder:
    """What a test asks of the folder, and what it can see in it."""

    path: Path
    patience: float | None = None
    idle_exit: float = 60.0

    def start_supervisor(self) -> None:
        command = [
            *SUPERVISOR_COMMAND,
            *([] if self.patience is None else [f"--patience={self.patience}"]),
            f"--idle-exit={self.idle_exit}",
            "--worker", sys.executable, "-m", WORKER,
        ]  # fmt: skip
        ensure_supervisor(self.path, command)
        self.await_supervisor(alive=True)

    def await_supervisor(self, *, alive: bool) -> None:
        lock = get_supervisor_lock_path(self.path)
        await_truth(lambda: is_locked(lock) == alive, f"supervisor alive: {alive}")

    def find_processes(self, *modules: str) -> list[psutil.Process]:
        """Living processes of this folder that run one of the modules."""
        found = []
        for process in psutil.process_iter():
            try:
                module = process.cmdline()[2:3]
                if not module or module[0] not in modules or process.status() == "zombie":
                    continue
                if process.environ().get("RFT_RUNS_DIR") == str(self.path):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def kill_supervisor(self) -> None:
        for process in self.find_processes(SUPERVISOR):
            os.kill(process.pid, signal.SIGKILL)
        self.await_supervisor(alive=False)

    def add_run(self, run: str, **config: object) -> str:
        get_run_dir(self.path, run).mkdir(parents=True)
        values = make_config(config)
        with open_index(self.path) as index:
            return add_run(index, id=run, config=values, launch_id=f"launch-{run}")

    def ask(self, kind: str, run: str) -> None:
        with open_index(self.path) as index:
            add_command(index, id=f"{kind}-{run}-{time.monotonic_ns()}", kind=kind, run=run)

    def get_status(self, run: str) -> RunStatus:
        with open_index(self.path) as index:
            return get_run_status(index, self.path, run)

    def await_state(self, run: str, *states: str) -> RunStatus:
        await_truth(
            lambda: self.get_status(run).state in states, f"{run} to be {' or '.join(states)}"
        )
        return self.get_status(run)

    def await_step(self, run: str, step: int) -> None:
        await_truth(lambda: self.get_status(run).step >= step, f"{run} to reach step {step}")

    def worker_pid(self, run: str) -> int:
        """Of the living worker."""
        assert is_locked(get_worker_lock_path(self.path, run))
        with open_run(self.path, run) as db:
            return list_attempts(db)[-1].pid

    def count_attempts(self, run: str) -> int:
        with open_run(self.path, run) as db:
            return len(list_attempts(db))


def read_runs(runs_dir: Path) -> list[RunRow]:
    """Newest first."""
    with open_index(runs_dir) as index:
        return list_runs(index)


def end_all_runs(runs_dir: Path) -> None:
    """Those that real workers are training."""
    for run in read_runs(runs_dir):
        stop(runs_dir, run.id)
        wait_for_end(runs_dir, run.id, timeout=DEADLINE_SECONDS)


@contextmanager
def runs_folder(path: Path) -> Iterator[RunsFolder]:
    """Whatever it started is gone afterwards."""
    folder = RunsFolder(path)
    try:
        yield folder
    finally:
        for process in folder.find_processes(SUPERVISOR, WORKER):
            with suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
                process.kill()


def run_command(runs_dir: Path, *words: str) -> Any:
    """The JSON document of a command in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-m", "rft_core", *words, "--json"], cwd=PROJECT_ROOT, text=True,
        env={**os.environ, "RFT_RUNS_DIR": str(runs_dir)}, capture_output=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
