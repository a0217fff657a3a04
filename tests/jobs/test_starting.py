"""A worker that is on its way: whoever dies meanwhile, its run is starting and never crashed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rft_core.jobs.processes import SUPERVISOR_COMMAND, ensure_supervisor
from rft_core.paths import PROJECT_ROOT, get_heartbeat_path, get_worker_lock_path
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from rft_core.store.state.process_identity import get_identity
from rft_core.store.state.run_lock import (
    HANDED_OVER,
    FileLock,
    LockForChild,
    is_locked,
    read_holder,
)
from tests.runs_folder import WORKER, RunsFolder, await_truth

# Reads a gate before it becomes the worker: as one that takes long to begin.
SLOW_WORKER = (
    "import os, sys; open(sys.argv[1]).read(); "
    f"os.execv(sys.executable, [sys.executable, '-m', '{WORKER}', *sys.argv[2:]])"
)


SLOW_SUPERVISOR = (
    "import os, sys; open(sys.argv[1]).read(); command = [sys.executable, '-m', "
    "'rft_core.jobs.supervisor', *sys.argv[2:3], sys.executable, *sys.argv[3:]]; "
    "os.execv(command[0], command)"
)


class SlowFolder(RunsFolder):
    """Its workers begin when the gate is opened."""

    @property
    def gate(self) -> Path:
        return self.path.parent / "gate"

    def start_supervisor(self) -> None:
        if not self.gate.exists():
            os.mkfifo(self.gate)
        worker = [sys.executable, "-c", SLOW_WORKER, str(self.gate)]
        ensure_supervisor(self.path, [*SUPERVISOR_COMMAND, "--worker", *worker])
        self.await_supervisor(alive=True)

    def open_gate(self) -> None:
        """Raises OSError while nobody waits before it."""
        os.close(os.open(self.gate, os.O_WRONLY | os.O_NONBLOCK))

    def await_holder(self, run: str) -> int:
        path = get_worker_lock_path(self.path, run)
        await_truth(lambda: read_holder(path), "a worker on its way")
        holder = read_holder(path)
        assert holder
        return holder.pid


@pytest.fixture
def slow(folder: RunsFolder) -> Iterator[SlowFolder]:
    slow = SlowFolder(folder.path)
    slow.start_supervisor()
    yield slow
    for process in slow.find_processes(SLOW_WORKER):
        process.kill()


@pytest.mark.parametrize("noted", [True, False])
def test_a_run_whose_supervisor_died_while_its_worker_was_on_its_way_is_starting(
    slow: SlowFolder, noted: bool
) -> None:
    slow.add_run("a", name="endless")
    pid = slow.await_holder("a")
    assert slow.get_status("a").state == "starting"
    with open_index(slow.path) as index:
        await_truth(lambda: list_commands(index)[0].handle, "the note of its start")
    slow.kill_supervisor()
    if not noted:
        with open_index(slow.path) as index:
            index.execute("UPDATE commands SET handled_at = NULL, handle = NULL")
    assert slow.get_status("a").state == "starting"
    slow.start_supervisor()
    with open_index(slow.path) as index:
        await_truth(lambda: not list_commands(index, pending_only=True), "the launch settled")
    assert slow.get_status("a").state == "starting"
    assert [process.pid for process in slow.find_processes(SLOW_WORKER)] == [pid]
    seen = set()

    def has_begun() -> bool:
        with suppress(OSError):
            slow.open_gate()
        status = slow.get_status("a")
        seen.add(status.state)
        return status.step > 2

    await_truth(has_begun, "its steps")
    assert seen <= {"starting", "running"}
    assert slow.worker_pid("a") == pid and slow.count_attempts("a") == 1


@pytest.mark.parametrize("noted", [True, False])
def test_a_worker_that_is_killed_on_its_way_is_not_starting_for_ever(
    slow: SlowFolder, noted: bool
) -> None:
    slow.add_run("a", name="endless")
    pid = slow.await_holder("a")
    with open_index(slow.path) as index:
        await_truth(lambda: list_commands(index)[0].handle, "the note of its start")
    slow.kill_supervisor()
    os.kill(pid, signal.SIGKILL)
    await_truth(lambda: not is_locked(get_worker_lock_path(slow.path, "a")), "its end")
    if not noted:
        with open_index(slow.path) as index:
            index.execute("UPDATE commands SET handled_at = NULL, handle = NULL")
    slow.start_supervisor()
    if noted:
        slow.await_state("a", "crashed", "failed")
    else:  # nobody knows that it was ever started: it is started, as it was asked to be
        assert slow.await_holder("a") != pid
        assert slow.get_status("a").state == "starting"


def test_the_heartbeat_of_an_earlier_worker_is_no_silence_of_the_next(slow: SlowFolder) -> None:
    slow.add_run("a", name="endless")
    slow.await_holder("a")
    get_heartbeat_path(slow.path, "a").touch()
    os.utime(get_heartbeat_path(slow.path, "a"), (0, 0))
    status = slow.get_status("a")
    assert (status.state, status.not_responding) == ("starting", "")


def test_a_lock_that_is_handed_over_is_held_until_the_end_of_the_child(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    code = (
        "import pathlib, subprocess, sys; from rft_core.store.state.run_lock import FileLock\n"
        "lock = FileLock(pathlib.Path(sys.argv[1])); lock.acquire()\n"
        "subprocess.Popen(['sleep', '600'], close_fds=False)\n"
        "print('has it' if lock.is_in_place() else 'has it not', flush=True); sys.stdin.readline()"
    )
    with LockForChild(path) as lock:
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], cwd=PROJECT_ROOT, text=True,
            env={**os.environ, **lock.environment}, pass_fds=lock.to_pass,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0,
        )  # fmt: skip
        lock.sign(get_identity(child.pid))
    try:
        assert is_locked(path) and read_holder(path) == get_identity(child.pid)
        assert child.stdout and child.stdout.readline() == "has it\n"
        assert is_locked(path)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert not is_locked(path)  # its own child lives on, and holds nothing
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        for pipe in (child.stdin, child.stdout):
            pipe.close()


def test_the_lock_of_another_file_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FileLock(tmp_path / "other.lock")
    with LockForChild(tmp_path / "worker.lock") as lock:
        monkeypatch.setenv(HANDED_OVER, lock.environment[HANDED_OVER])
        other.acquire()
        assert is_locked(tmp_path / "other.lock") and other.is_in_place()
        other.release()
        assert is_locked(tmp_path / "worker.lock")
    assert not is_locked(tmp_path / "worker.lock")


def test_a_supervisor_that_takes_long_to_begin_is_started_once(folder: RunsFolder) -> None:
    """On a busy machine it takes many seconds, in which whoever waits looks five times a second."""
    gate = folder.path.parent / "gate"
    os.mkfifo(gate)
    slow = [sys.executable, "-c", SLOW_SUPERVISOR, str(gate), "--worker", "-m", WORKER]
    for _ in range(4):
        ensure_supervisor(folder.path, slow)
    (process,) = folder.find_processes(SLOW_SUPERVISOR)
    folder.add_run("a", max_steps=2)
    with gate.open("w"):  # waits for its reader
        pass
    folder.await_state("a", "finished")
    assert [found.pid for found in folder.find_processes("rft_core.jobs.supervisor")] == (
        [process.pid]
    )
