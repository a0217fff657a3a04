"""A worker that is on its way before its run is launched: used once, and gone with the wish."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rft_core.jobs import prepare_launch
from rft_core.jobs.processes import SUPERVISOR_COMMAND, ensure_supervisor
from rft_core.jobs.readiness import LONGEST_SECONDS
from rft_core.paths import (
    get_readiness_path,
    get_run_dir,
    get_worker_lock_path,
    get_worker_log_path,
)
from rft_core.store.state.run_lock import read_holder
from tests.runs_folder import SUPERVISOR, RunsFolder, await_truth
from tests.tiny_model import make_tiny_model
from tests.tiny_run import add_tiny_run

WORKER = "rft_core.worker"


@pytest.fixture
def ready(folder: RunsFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsFolder]:
    """A folder whose supervisor has real workers and, somebody being about to launch, one ready."""
    monkeypatch.delenv("RFT_SPARE_WORKER")
    ensure_supervisor(folder.path, [*SUPERVISOR_COMMAND, "--idle-exit=1"])
    prepare_launch(folder.path)
    await_truth(lambda: folder.find_processes(WORKER), "a spare worker")
    yield folder
    for process in folder.find_processes(WORKER, SUPERVISOR):
        process.kill()


def get_spare(folder: RunsFolder) -> psutil.Process:
    [process] = folder.find_processes(WORKER)
    return process


def launch_tiny_run(folder: RunsFolder, tmp_path: Path) -> None:
    add_tiny_run(folder.path, make_tiny_model(tmp_path / "model"), "a", max_steps=1)
    get_run_dir(folder.path, "a").mkdir()
    folder.ask("launch", "a")


def test_the_spare_worker_becomes_the_next_runs(ready: RunsFolder, tmp_path: Path) -> None:
    spare = get_spare(ready)
    launch_tiny_run(ready, tmp_path)
    lock = get_worker_lock_path(ready.path, "a")
    await_truth(lambda: read_holder(lock), "the lock of the run")
    holder = read_holder(lock)
    assert holder and holder.pid == spare.pid
    assert not get_readiness_path(ready.path).exists()
    ready.await_state("a", "finished")
    assert "checkpoint saved at step 1" in get_worker_log_path(ready.path, "a").read_text()
    await_truth(lambda: not ready.find_processes(WORKER), "no other: one wish, one worker")


def test_a_run_begins_anew_where_the_spare_worker_has_died(
    ready: RunsFolder, tmp_path: Path
) -> None:
    get_spare(ready).kill()
    await_truth(lambda: not ready.find_processes(WORKER), "its end")
    launch_tiny_run(ready, tmp_path)
    ready.await_state("a", "finished")


def test_it_ends_with_the_wish_and_the_supervisor_after_it(ready: RunsFolder) -> None:
    spare, wish = get_spare(ready), get_readiness_path(ready.path)
    past = wish.stat().st_mtime - LONGEST_SECONDS
    os.utime(wish, (past, past))
    psutil.wait_procs([spare], timeout=60)
    assert not spare.is_running()
    ready.await_supervisor(alive=False)


def test_it_ends_with_its_supervisor(ready: RunsFolder) -> None:
    spare = get_spare(ready)
    for process in ready.find_processes(SUPERVISOR):
        os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs([spare], timeout=60)
    assert not spare.is_running()


def test_who_wants_none_has_none(folder: RunsFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFT_SPARE_WORKER", "0")
    prepare_launch(folder.path)
    assert not get_readiness_path(folder.path).exists()
    assert not folder.find_processes(SUPERVISOR)
