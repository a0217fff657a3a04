"""What is wrong with one run, or with one tick, keeps no other run waiting."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from rft_core.jobs.launcher import RESTART_SECONDS, ensure_commands_are_served
from rft_core.paths import (
    get_index_path,
    get_run_db_path,
    get_run_dir,
    get_supervisor_log_path,
)
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from rft_core.store.sqlite.connections import list_wal_files
from tests.runs_folder import SUPERVISOR, WORKER, RunsFolder, await_truth


def remove_database(folder: RunsFolder) -> Path:
    path = get_run_db_path(folder.path, "bad")
    for file in (path, *list_wal_files(path)):
        file.unlink(missing_ok=True)
    return path


def make_garbage(folder: RunsFolder) -> None:
    remove_database(folder).write_bytes(b"no database at all " * 1000)


def make_empty(folder: RunsFolder) -> None:
    remove_database(folder).touch()


def make_folder(folder: RunsFolder) -> None:
    remove_database(folder).mkdir()


def lose_folder(folder: RunsFolder) -> None:
    shutil.rmtree(get_run_dir(folder.path, "bad"))


DAMAGES = (make_garbage, make_empty, make_folder, remove_database, lose_folder)


@pytest.fixture(params=DAMAGES, ids=lambda damage: damage.__name__)
def damaged(request: pytest.FixtureRequest, folder: RunsFolder) -> RunsFolder:
    """A run `bad` whose worker ended unnoted, with a damaged record, and a queued one."""
    folder.start_supervisor()
    folder.add_run("bad", name="endless")
    folder.await_step("bad", 2)
    folder.kill_supervisor()
    os.kill(folder.worker_pid("bad"), signal.SIGKILL)
    await_truth(lambda: not folder.find_processes(WORKER), "the worker's end")
    damage: Callable[[RunsFolder], object] = request.param
    damage(folder)
    folder.add_run("good", max_steps=2)
    return folder


def test_a_damaged_run_does_not_stop_a_supervisors_process(damaged: RunsFolder) -> None:
    damaged.start_supervisor()
    damaged.await_state("good", "finished")
    assert not damaged.get_status("bad").is_active
    assert "failed 1 times" not in get_supervisor_log_path(damaged.path).read_text()


@contextmanager
def paused_between_ticks(supervisor: psutil.Process, index: Path) -> Iterator[None]:
    """While it does not have the index open.

    A file that is replaced under an open connection leaves its log behind, from which SQLite would
    make the new file whole again, whatever it held.
    """
    while True:
        supervisor.suspend()
        await_truth(lambda: supervisor.status() == psutil.STATUS_STOPPED, "its suspension")
        if str(index) not in {file.path for file in supervisor.open_files()}:
            break
        supervisor.resume()
    assert not any(log.exists() for log in list_wal_files(index))
    yield
    supervisor.resume()


def test_a_tick_that_fails_does_not_end_the_supervisor(folder: RunsFolder, tmp_path: Path) -> None:
    folder.start_supervisor()
    (before,) = folder.find_processes(SUPERVISOR)
    index, kept, garbage = get_index_path(folder.path), tmp_path / "kept", tmp_path / "garbage"
    await_truth(index.exists, "the index")
    garbage.write_bytes(b"no database at all " * 1000)
    with paused_between_ticks(before, index):
        os.link(index, kept)
        garbage.replace(index)
    log = get_supervisor_log_path(folder.path)
    await_truth(lambda: "failed 2 times" in log.read_text(), "two failed ticks")
    kept.replace(index)
    folder.add_run("a", max_steps=2)
    folder.await_state("a", "finished")
    assert [process.pid for process in folder.find_processes(SUPERVISOR)] == [before.pid]


def test_a_supervisor_that_died_is_started_again_by_whoever_looks(folder: RunsFolder) -> None:
    folder.start_supervisor()
    folder.kill_supervisor()
    folder.add_run("a")
    shutil.rmtree(get_run_dir(folder.path, "a"))  # there is nothing to train, only to answer
    log = get_supervisor_log_path(folder.path)
    long_ago = time.time() - 2 * RESTART_SECONDS
    os.utime(log, (long_ago, long_ago))
    ensure_commands_are_served(folder.path)
    folder.await_supervisor(alive=True)
    with open_index(folder.path) as index:
        await_truth(lambda: not list_commands(index, pending_only=True), "the launch settled")
        (launch,) = list_commands(index)
    assert launch.error == "The run's folder is gone."


def test_nobody_starts_a_supervisor_for_nothing(folder: RunsFolder) -> None:
    folder.idle_exit = 0.1
    folder.start_supervisor()
    folder.add_run("a", max_steps=1)
    folder.await_state("a", "finished")
    await_truth(lambda: not folder.find_processes(SUPERVISOR), "the supervisor's end")
    log = get_supervisor_log_path(folder.path)
    os.utime(log, (0, 0))
    ensure_commands_are_served(folder.path)
    assert log.stat().st_mtime == 0  # a start writes to it
    assert not folder.find_processes(SUPERVISOR)
