"""Where workers live is a backend's business: launcher and supervisor need nothing local."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rft_core.config import make_config
from rft_core.jobs.backends import WorkerEnd
from rft_core.jobs.launcher import fork, launch, resume, stop
from rft_core.jobs.pinning import store_prompt_set
from rft_core.jobs.supervisor import Supervisor
from rft_core.paths import get_supervisor_lock_path, get_worker_lock_path
from rft_core.store.commands import Command, list_commands
from rft_core.store.index import open_index
from rft_core.store.run_reader import list_attempts, open_run
from rft_core.store.sets import ensure_set
from rft_core.store.state.run_lock import FileLock, is_locked, read_holder
from tests.jobs.kept_backend import KeptBackend
from tests.runs_folder import WORKER, RunsFolder
from tests.tiny_model import make_tiny_model
from tests.tiny_run import (
    DEADLINE_SECONDS,
    TINY_REWARDS,
    TINY_SETTINGS,
    expected_counts,
    make_tiny_prompts,
    read_counts,
)

REAL_WORKER = "rft_core.worker"


class Kept:
    """A runs folder whose supervisor ticks in this process and whose workers are kept elsewhere."""

    def __init__(self, folder: RunsFolder, worker: str = WORKER) -> None:
        self.folder, self._worker = folder, worker
        self.start_anew()

    def start_anew(self) -> None:
        """Another supervisor, who knows nothing but what is stored."""
        command = [sys.executable, "-m", self._worker]
        keepers = self.folder.path.parent / "keepers"
        self._supervisor = Supervisor(
            self.folder.path, [KeptBackend(self.folder.path, keepers, command)]
        )

    def launch(self, **config: object) -> str:
        small = {"num_prompts": 8, "num_validation_prompts": 2} | config
        return launch(self.folder.path, make_config(small), backend="kept")

    def list_starts(self, run: str) -> list[Command]:
        with open_index(self.folder.path) as index:
            return [c for c in list_commands(index, run=run) if c.kind in ("launch", "resume")]

    def tick_until(self, evidence: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not evidence():
            assert time.monotonic() < deadline, f"waited in vain for: {what}"
            self._supervisor.tick()
            time.sleep(0.02)

    def await_state(self, run: str, state: str) -> None:
        self.tick_until(lambda: self.folder.get_status(run).state == state, f"{run} to be {state}")

    def await_step(self, run: str, step: int) -> None:
        self.tick_until(lambda: self.folder.get_status(run).step >= step, f"{run} at step {step}")


@pytest.fixture
def kept(folder: RunsFolder) -> Iterator[Kept]:
    folder.path.mkdir()
    lock = FileLock(get_supervisor_lock_path(folder.path))  # a supervisor lives: this process
    lock.acquire()
    yield Kept(folder)
    for process in folder.find_processes(REAL_WORKER):
        process.kill()
    lock.release()


def test_a_real_run_is_launched_stopped_killed_and_resumed_to_its_end(
    kept: Kept, tmp_path: Path
) -> None:
    kept = Kept(kept.folder, REAL_WORKER)
    runs_dir, prompts = kept.folder.path, make_tiny_prompts()
    with open_index(runs_dir) as index:
        store_prompt_set(index, prompts)
        rewards = TINY_REWARDS
        ensure_set(index, "rewards", id=rewards.id, name="tiny", content=rewards.to_json())
    many = {"max_steps": 40, "eval_steps": 20, "save_steps": 7}
    config = make_config(
        TINY_SETTINGS | many | {"model": str(make_tiny_model(tmp_path / "model"))}
        | {"prompt_set": prompts.id, "reward_set": rewards.id}
    )  # fmt: skip
    run = launch(runs_dir, config, backend="kept")
    kept.await_step(run, 3)
    stop(runs_dir, run)
    kept.await_state(run, "stopped")
    stopped_at = kept.folder.get_status(run).step
    assert stopped_at < config.max_steps

    resume(runs_dir, run)
    kept.await_step(run, stopped_at + 9)  # a checkpoint later
    worker = read_holder(get_worker_lock_path(runs_dir, run))
    assert worker
    os.kill(worker.pid, signal.SIGKILL)
    kept.await_state(run, "crashed")
    kept.tick_until(lambda: "SIGKILL" in kept.folder.get_status(run).message, "the signal's name")

    resume(runs_dir, run)
    kept.await_state(run, "finished")
    with open_run(runs_dir, run) as db:
        attempts = list_attempts(db)
    assert [attempt.outcome for attempt in attempts] == ["stopped", None, "finished"]
    assert attempts[1].from_step == stopped_at < attempts[2].from_step
    assert read_counts(runs_dir, run) == expected_counts(config)
    starts = kept.list_starts(run)
    assert [(start.kind, start.backend) for start in starts] == [
        ("launch", "kept"), ("resume", "kept"), ("resume", "kept"),
    ]  # fmt: skip
    assert len({start.handle for start in starts}) == 3
    assert all((start.handle or "").startswith(f"{run} kept as ") for start in starts)
    assert all((start.worker_pid, start.worker_started) == (None, None) for start in starts)


def test_another_supervisor_finds_the_worker_by_its_handle_alone(kept: Kept) -> None:
    run = kept.launch(name="endless")
    kept.await_state(run, "running")
    kept.start_anew()
    kept.folder.ask("kill", run)
    kept.await_state(run, "stopped")
    assert "Killed on request" in kept.folder.get_status(run).message
    assert kept.folder.count_attempts(run) == 1


def test_a_worker_that_was_started_and_not_noted_is_found_and_no_second_one_starts(
    kept: Kept,
) -> None:
    run = kept.launch(name="endless")
    kept.tick_until(lambda: bool(kept.list_starts(run)[0].handle), "its start")
    (start,) = kept.list_starts(run)
    with open_index(kept.folder.path) as index:
        index.execute("UPDATE commands SET handled_at = NULL, handle = NULL")
    kept.start_anew()
    kept.tick_until(lambda: bool(kept.list_starts(run)[0].handle), "its start to be noted again")
    assert kept.list_starts(run)[0].handle == start.handle
    stop(kept.folder.path, run)
    kept.await_state(run, "stopped")


def test_how_a_worker_ended_is_told_by_its_backend(kept: Kept) -> None:
    run = kept.launch(name="broken")
    kept.await_state(run, "failed")
    message = kept.folder.get_status(run).message
    assert "ended with code 1 before it began: no such model" in message


def test_a_fork_is_made_where_its_parent_was(kept: Kept) -> None:
    run = kept.launch(max_steps=2)
    kept.await_state(run, "finished")
    child = fork(kept.folder.path, run, changes={"max_steps": 1})
    kept.await_state(child, "finished")
    assert [start.backend for start in kept.list_starts(child)] == ["kept"]


def test_a_command_for_a_backend_that_is_not_there_is_settled_and_others_go_on(kept: Kept) -> None:
    kept.folder.add_run("a", max_steps=1)  # for the local backend
    run = kept.launch(max_steps=1)
    kept.await_state(run, "finished")
    assert kept.folder.get_status("a").state == "failed"
    assert "no backend named 'local'" in kept.folder.get_status("a").message
    assert not is_locked(get_worker_lock_path(kept.folder.path, "a"))


def test_an_end_says_which_signal_it_was() -> None:
    assert WorkerEnd(None).signal_text == WorkerEnd(1).signal_text == ""
    assert WorkerEnd(-signal.SIGUSR1).signal_text == "SIGUSR1"
    assert "memory ran out" in WorkerEnd(-signal.SIGKILL).signal_text
    assert WorkerEnd(-signal.SIGRTMAX).signal_text == "SIGRTMAX"
    assert WorkerEnd(-signal.SIGRTMIN - 1).signal_text == f"signal {signal.SIGRTMIN + 1}"
