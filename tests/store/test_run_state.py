"""States from evidence alone, and the lock that is the proof of life."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from rft_core.config import make_config
from rft_core.errors import WorkerError
from rft_core.paths import PROJECT_ROOT, get_worker_lock_path
from rft_core.store.index import Command, add_run, open_index, set_command_handled
from rft_core.store.run_lock import FileLock, is_locked
from rft_core.store.run_reader import Attempt
from rft_core.store.run_state import derive_state, get_run_status, list_run_statuses
from rft_core.store.run_writer import RunWriter, StepRecord

OWN_PID, DEAD_PID = psutil.Process().pid, 2**22 - 3


def asked(
    kind: str, at: float, handled_at: float | None = None, pid: int | None = None, **more: str
) -> Command:
    started = psutil.Process().create_time() if pid == OWN_PID else 1.0
    return Command(f"{kind}{at}", kind, "a", at, handled_at, pid, started, more.get("error"))


def lived(started_at: float, outcome: str | None, from_step: int = 0) -> Attempt:
    return Attempt(1, from_step, 1, started_at, None, outcome, "")


LAUNCH = asked("launch", 1, 2, DEAD_PID)
ALIVE = asked("launch", 1, 2, OWN_PID)


@pytest.mark.parametrize(
    ("state", "commands", "attempts", "locked", "reached"),
    [
        ("queued", [asked("launch", 1)], [], False, False),
        ("starting", [ALIVE], [], False, False),
        ("starting", [LAUNCH], [lived(3, None)], True, False),
        ("running", [LAUNCH], [lived(3, None)], True, True),
        ("stopping", [LAUNCH, asked("stop", 4)], [lived(3, None)], True, True),
        ("stopping", [ALIVE, asked("stop", 4, 5)], [], False, False),
        ("stopped", [LAUNCH, asked("stop", 4, 5)], [lived(3, "stopped")], False, True),
        ("finished", [LAUNCH], [lived(3, "finished")], False, True),
        ("failed", [LAUNCH], [lived(3, "failed")], False, True),
        ("needs_attention", [LAUNCH], [lived(3, "needs_attention")], False, True),
        ("crashed", [LAUNCH], [lived(3, None)], False, True),
        ("crashed", [LAUNCH], [], False, False),
        ("failed", [asked("launch", 1, 2, error="no such program")], [], False, False),
        # stopped before its turn, and before its worker said anything
        ("stopped", [asked("launch", 1), asked("stop", 2)], [], False, False),
        ("stopped", [asked("launch", 1, 3), asked("stop", 2, 3)], [], False, False),
        ("stopped", [LAUNCH, asked("stop", 4, 5)], [], False, False),
        # asked to go on
        ("queued", [LAUNCH, asked("resume", 9)], [lived(3, None)], False, True),
        ("starting", [LAUNCH, asked("resume", 9, 10, OWN_PID)], [lived(3, None)], False, True),
        ("crashed", [LAUNCH, asked("resume", 9, 10, DEAD_PID)], [lived(3, None)], False, True),
        # the worker was faster than the supervisor's note about it
        ("finished", [asked("launch", 1, 8, DEAD_PID)], [lived(3, "finished")], False, True),
    ],
)
def test_state(
    state: str, commands: list[Command], attempts: list[Attempt], locked: bool, reached: bool
) -> None:
    assert derive_state(commands, attempts, locked=locked, step_reached=reached) == state


def test_a_status_tells_progress_and_pace(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        add_run(index, id="a", config=make_config({"max_steps": 8}), launch_id="1")
        assert get_run_status(index, tmp_path, "a").state == "queued"
        lock = FileLock(get_worker_lock_path(tmp_path, "a"))
        lock.acquire()
        writer = RunWriter(tmp_path, "a")
        writer.start_attempt(from_step=0, pid=OWN_PID)
        writer.set_progress("loading", "the model", step=0, max_steps=8)
        loading = get_run_status(index, tmp_path, "a")
        assert (loading.state, loading.phase, loading.eta) == ("starting", "loading", None)
        writer.record_step(StepRecord(2, "train", {"reward": 0.5}, elapsed=4.0), max_steps=8)
        running = get_run_status(index, tmp_path, "a")
        assert (running.state, running.step, running.eta) == ("running", 2, 12.0)
        assert running.last_train == {"reward": 0.5}
        lock.release()
        set_command_handled(index, "1", worker_pid=DEAD_PID, worker_started=1.0)
        assert [s.state for s in list_run_statuses(index, tmp_path)] == ["crashed"]
        writer.close()


def test_a_lock_lives_as_long_as_its_process(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    code = (
        "import pathlib, sys; from rft_core.store.run_lock import FileLock\n"
        f"FileLock(pathlib.Path({str(path)!r})).acquire(); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout and process.stdout.readline() == "held\n"
        assert is_locked(path)
        with pytest.raises(WorkerError, match="already holds"):
            FileLock(path).acquire()
        process.kill()
        process.wait()
        assert not is_locked(path)


def test_a_lock_is_not_inherited_by_children(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "worker.lock")
    lock.acquire()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as child:
        lock.release()
        assert not is_locked(tmp_path / "worker.lock")
        child.kill()


def test_a_lock_that_was_never_taken_is_free(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "none.lock")
