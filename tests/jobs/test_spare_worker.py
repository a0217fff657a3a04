"""A worker that is on its way before its run is launched: used once, and gone with the wish."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from rft_core.jobs.launcher import prepare_launch
from rft_core.jobs.processes import SUPERVISOR_COMMAND, ensure_supervisor
from rft_core.jobs.readiness import LONGEST_SECONDS
from rft_core.paths import (
    get_readiness_path,
    get_run_dir,
    get_worker_lock_path,
    get_worker_log_path,
)
from rft_core.store.run_reader import has_database
from rft_core.store.state.run_lock import read_holder
from tests.runs_folder import SUPERVISOR, RunsFolder, await_truth
from tests.tiny_model import make_tiny_model
from tests.tiny_run import add_tiny_run

WORKER = "rft_core.worker"


@contextmanager
def being_ready(folder: RunsFolder) -> Iterator[RunsFolder]:
    """Its supervisor has real workers and, somebody being about to launch a run, one ready."""
    ensure_supervisor(folder.path, [*SUPERVISOR_COMMAND, "--idle-exit=1"])
    folder.await_supervisor(alive=True)
    prepare_launch(folder.path)
    await_truth(lambda: folder.find_processes(WORKER), "a spare worker")
    yield folder
    for process in folder.find_processes(WORKER, SUPERVISOR):
        process.kill()


@pytest.fixture
def ready(folder: RunsFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsFolder]:
    monkeypatch.delenv("RFT_SPARE_WORKER")
    with being_ready(folder):
        yield folder


@pytest.fixture
def importing(
    folder: RunsFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunsFolder]:
    """Its spare worker imports for as long as the test lasts."""
    gate, package = tmp_path / "gate", tmp_path / "modules" / "torch"
    os.mkfifo(gate)
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"open({str(gate)!r}).read()")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.delenv("RFT_SPARE_WORKER")
    with being_ready(folder):
        yield folder


def get_spare(folder: RunsFolder) -> psutil.Process:
    [process] = folder.find_processes(WORKER)
    return process


def has_libraries(process: psutil.Process) -> bool:
    return "libtorch" in Path(f"/proc/{process.pid}/maps").read_text()


def has_begun(folder: RunsFolder) -> bool:
    return has_database(folder.path, "a") and bool(folder.count_attempts("a"))


def launch_tiny_run(folder: RunsFolder, tmp_path: Path) -> None:
    add_tiny_run(folder.path, make_tiny_model(tmp_path / "model"), "a", max_steps=1)
    get_run_dir(folder.path, "a").mkdir()
    folder.ask("launch", "a")


def test_the_spare_worker_becomes_the_next_runs(ready: RunsFolder, tmp_path: Path) -> None:
    spare = get_spare(ready)
    await_truth(lambda: has_libraries(spare), "its libraries")
    launch_tiny_run(ready, tmp_path)
    lock = get_worker_lock_path(ready.path, "a")
    await_truth(lambda: read_holder(lock), "the lock of the run")
    holder = read_holder(lock)
    assert holder and holder.pid == spare.pid
    assert not get_readiness_path(ready.path).exists()
    ready.await_state("a", "finished")
    assert "checkpoint saved at step 1" in get_worker_log_path(ready.path, "a").read_text()
    await_truth(lambda: not ready.find_processes(WORKER), "no other: one wish, one worker")


def test_a_run_begins_and_hears_a_stop_while_its_worker_imports(
    importing: RunsFolder, tmp_path: Path
) -> None:
    launch_tiny_run(importing, tmp_path)
    await_truth(lambda: has_begun(importing), "the first word of its worker")
    assert importing.get_status("a").state == "starting"
    importing.ask("stop", "a")
    importing.await_state("a", "stopped")
    assert importing.get_status("a").is_resumable


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
