"""A runs folder that was copied or moved: nobody in it reaches the workers of the original."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rft_core.jobs.backends import LocalBackend
from rft_core.jobs.launcher import kill, resume
from rft_core.paths import get_run_dir, get_worker_lock_path
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from rft_core.store.state.run_lock import is_locked
from tests.runs_folder import WORKER, RunsFolder, await_truth, runs_folder


@pytest.fixture
def copy(supervised: RunsFolder, tmp_path: Path) -> Iterator[RunsFolder]:
    """Made with `cp -r` while a run trains."""
    supervised.add_run("a", name="endless")
    supervised.await_step("a", 2)
    with runs_folder(tmp_path / "copy") as copy:
        pid = supervised.worker_pid("a")
        os.kill(pid, signal.SIGSTOP)  # alive all the while, but the copy of its record is whole
        subprocess.run(["cp", "-r", supervised.path, copy.path], check=True)
        os.kill(pid, signal.SIGCONT)
        yield copy


def check_goes_on(original: RunsFolder, pid: int) -> None:
    original.await_step("a", original.get_status("a").step + 3)
    assert original.worker_pid("a") == pid and original.count_attempts("a") == 1


def test_a_kill_in_a_copy_leaves_the_original_alone(
    supervised: RunsFolder, copy: RunsFolder
) -> None:
    pid = supervised.worker_pid("a")
    copy.ask("stop", "a")
    copy.ask("kill", "a")
    copy.start_supervisor()
    with open_index(copy.path) as index:
        await_truth(lambda: not list_commands(index, pending_only=True), "the kill settled")
    check_goes_on(supervised, pid)


def test_a_resume_in_a_copy_starts_a_worker_of_its_own(
    supervised: RunsFolder, copy: RunsFolder
) -> None:
    pid = supervised.worker_pid("a")
    copy.start_supervisor()
    copy.await_state("a", "crashed")
    resume(copy.path, "a")
    copy.await_state("a", "running")
    own = copy.worker_pid("a")
    assert own != pid
    kill(copy.path, "a")
    copy.await_state("a", "stopped")
    await_truth(lambda: not psutil.pid_exists(own) or not copy.find_processes(WORKER), "its end")
    check_goes_on(supervised, pid)


def test_a_worker_that_has_yet_to_begin_is_nobodys_in_a_copy(tmp_path: Path) -> None:
    """Another supervisor knows its handle, which the copy has, too."""
    with runs_folder(tmp_path / "runs") as folder:
        folder.add_run("a", name="endless")
        shutil.copytree(folder.path, tmp_path / "copy")
        backend = LocalBackend(folder.path, [sys.executable, "-c", "import time; time.sleep(600)"])
        handle = backend.start("a")
        try:
            assert is_locked(get_worker_lock_path(folder.path, "a"))
            assert LocalBackend(folder.path).is_alive("a", handle)  # another supervisor's view
            elsewhere = LocalBackend(tmp_path / "copy")
            assert not elsewhere.is_alive("a", handle)
            assert not elsewhere.ask_to_stop("a", handle)
            elsewhere.kill("a", handle)
            assert backend.is_alive("a", handle)
        finally:
            backend.kill("a", handle)
        assert backend.get_end("a", handle).code == -signal.SIGKILL


def test_a_folder_that_is_moved_keeps_its_worker(supervised: RunsFolder, tmp_path: Path) -> None:
    """Until the worker notices, it is found at the new place and nowhere else."""
    supervised.add_run("a", name="endless")
    supervised.await_step("a", 2)
    with open_index(supervised.path) as index:
        handle = list_commands(index, run="a")[0].handle or ""
    pid = supervised.worker_pid("a")
    os.kill(pid, signal.SIGSTOP)
    try:
        supervised.path.rename(tmp_path / "moved")
        assert LocalBackend(tmp_path / "moved").is_alive("a", handle)
        assert not get_run_dir(supervised.path, "a").exists()
        assert not LocalBackend(supervised.path).is_alive("a", handle)
    finally:
        os.kill(pid, signal.SIGKILL)
