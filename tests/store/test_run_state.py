"""States from evidence alone, and the lock that is the proof of life."""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from pages.components.runs.badge import STATE_LOOKS
from rft_core.config import make_config
from rft_core.errors import BadInputError, NotFoundError, WorkerError
from rft_core.paths import PROJECT_ROOT, get_heartbeat_path, get_run_dir, get_worker_lock_path
from rft_core.store.commands import (
    Command,
    add_command,
    list_open_commands,
    set_command_handled,
    set_worker_ended,
)
from rft_core.store.index import open_index
from rft_core.store.run_reader import RunProgress, WorkerLife
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.store.runs import add_run, list_unreadable_runs
from rft_core.store.state import evidence as evidence_module
from rft_core.store.state.evidence import Evidence
from rft_core.store.state.process_identity import get_identity, is_alive
from rft_core.store.state.rules import RULES, Facts, derive_state
from rft_core.store.state.run_lock import FileLock, is_locked, read_holder
from rft_core.store.state.status import RunStatus, get_run_status, is_run_active, list_run_statuses

OWN_PID, DEAD_PID = psutil.Process().pid, 2**22 - 3


def asked(
    number: int, kind: str, *, handled: bool = True, pid: int | None = None, **more: object
) -> Command:
    """Clocks mean nothing: every command is dated before the one that it follows."""
    started = get_identity(OWN_PID).started if pid == OWN_PID else 1.0
    values = {"worker_ended_at": None, "error": None} | more
    at = 1000.0 - number
    return Command(
        number, f"{kind}-{number}", kind, "a", at, at if handled else None, pid, started, **values
    )  # type: ignore[arg-type]


def lived(command: str | None, outcome: str | None, from_step: int = 0) -> WorkerLife:
    return WorkerLife(1, command, from_step, 1, 1.0, 0.0, None, outcome, "")


LAUNCH = asked(1, "launch", pid=DEAD_PID)
RESUME = asked(3, "resume", pid=DEAD_PID)
STOP, UNSEEN_STOP = asked(2, "stop"), asked(2, "stop", handled=False)
KILL = asked(2, "kill", error="Killed on request.")
CRASHED = lived("launch-1", None)


@pytest.mark.parametrize(
    ("state", "commands", "attempts", "locked", "reached"),
    [
        ("queued", [asked(1, "launch", handled=False)], [], False, False),
        ("starting", [LAUNCH], [CRASHED], True, False),
        ("running", [LAUNCH], [CRASHED], True, True),
        ("stopping", [LAUNCH, UNSEEN_STOP], [CRASHED], True, True),
        ("stopped", [LAUNCH, STOP], [lived("launch-1", "stopped")], False, True),
        ("finished", [LAUNCH], [lived("launch-1", "finished")], False, True),
        ("failed", [LAUNCH], [lived("launch-1", "failed")], False, True),
        ("needs_attention", [LAUNCH], [lived("launch-1", "needs_attention")], False, True),
        ("crashed", [LAUNCH], [CRASHED], False, True),
        ("crashed", [LAUNCH], [], False, False),
        ("failed", [asked(1, "launch", error="no such program")], [], False, False),
        # stopped before its turn, and before its worker said anything
        ("stopped", [asked(1, "launch", handled=False), UNSEEN_STOP], [], False, False),
        ("stopped", [asked(1, "launch"), STOP], [], False, False),
        ("stopped", [LAUNCH, STOP], [], False, False),
        # killed because somebody asked, and died by itself when it was asked to stop
        ("stopped", [LAUNCH, KILL], [CRASHED], False, True),
        ("crashed", [LAUNCH, STOP], [CRASHED], False, True),
        # asked to go on
        ("queued", [LAUNCH, asked(3, "resume", handled=False)], [CRASHED], False, True),
        ("starting", [LAUNCH, asked(3, "resume", pid=OWN_PID)], [CRASHED], True, True),
        ("crashed", [LAUNCH, RESUME], [CRASHED], False, True),
        ("running", [LAUNCH, STOP, RESUME], [lived("resume-3", None)], True, True),
        # the worker was faster than the supervisor's note about it
        ("finished", [LAUNCH], [lived("launch-1", "finished")], False, True),
        # nobody had asked: a worker in the foreground
        ("finished", [], [lived(None, "finished")], False, True),
        ("running", [], [lived(None, None)], True, True),
    ],
)
def test_state(
    state: str, commands: list[Command], attempts: list[WorkerLife], locked: bool, reached: bool
) -> None:
    progress = RunProgress("training" if reached else "loading", "", 0, 9, 0.0)
    evidence = Evidence(locked, attempts=attempts, progress=progress)
    assert derive_state(commands, evidence) == state


@pytest.mark.parametrize(
    ("state", "commands", "attempts"),
    [
        ("starting", [LAUNCH], []),
        ("stopping", [LAUNCH, STOP], []),
        ("starting", [LAUNCH, asked(3, "resume", pid=OWN_PID)], [CRASHED]),
        ("crashed", [asked(1, "launch", pid=DEAD_PID, worker_ended_at=5.0)], []),
        ("failed", [asked(1, "launch", pid=DEAD_PID, worker_ended_at=5.0, error="why")], []),
        ("stopped", [asked(1, "launch", pid=DEAD_PID, worker_ended_at=5.0), STOP], []),
    ],
)
def test_a_living_supervisor_is_heard_before_a_worker_counts_as_gone(
    state: str, commands: list[Command], attempts: list[WorkerLife]
) -> None:
    assert derive_state(commands, Evidence(False, supervised=True, attempts=attempts)) == state


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunWriter]:
    """A run of 8 steps whose worker has just begun its attempt."""
    with open_index(tmp_path) as index:
        add_run(index, id="a", config=make_config({"max_steps": 8}), launch_id="1")
    lock = FileLock(get_worker_lock_path(tmp_path, "a"))
    lock.acquire()
    writer = RunWriter(tmp_path, "a")
    writer.start_attempt(from_step=0, pid=OWN_PID, command="1")
    writer.set_progress("loading", "the model", step=0, max_steps=8)
    yield writer
    writer.close()
    lock.release()


def read_status(runs_dir: Path) -> RunStatus:
    with open_index(runs_dir) as index:
        return get_run_status(index, runs_dir, "a")


def test_a_status_tells_progress_and_pace(tmp_path: Path, running: RunWriter) -> None:
    loading = read_status(tmp_path)
    assert (loading.state, loading.phase, loading.eta) == ("starting", "loading", None)
    running.record_step(StepRecord(2, "train", {"reward": 0.5}, elapsed=4.0), max_steps=8)
    status = read_status(tmp_path)
    assert (status.state, status.step, status.eta) == ("running", 2, 12.0)
    assert status.last_train == {"reward": 0.5}


def test_the_pace_is_the_recent_one(tmp_path: Path, running: RunWriter) -> None:
    for step in range(1, 51):  # 10 s each at first, 1 s each of late
        elapsed = 10.0 * min(step, 25) + max(0, step - 25)
        running.record_step(StepRecord(step, "train", {}, elapsed=elapsed), max_steps=60)
    assert (read_status(tmp_path).step_seconds, read_status(tmp_path).eta) == (1.0, 10.0)


def test_what_a_resume_would_make_again_is_said(tmp_path: Path, running: RunWriter) -> None:
    running.record_step(StepRecord(1, "train", {}), max_steps=8)
    status = read_status(tmp_path)
    assert "step 1 is made again from the start" in status.resume_text
    assert status.resume_loses_much
    running.add_checkpoint(step=1, resumable=True)
    assert "nothing is lost" in read_status(tmp_path).resume_text
    for step in (2, 3):
        running.record_step(StepRecord(step, "train", {}), max_steps=30)
    status = read_status(tmp_path)
    assert "checkpoint at step 1; steps 2 to 3 are made again" in status.resume_text
    assert not status.resume_loses_much
    running.set_checkpoint_not_resumable(1)
    assert read_status(tmp_path).resume_step == 0


def test_a_worker_that_lives_but_gets_on_with_nothing_is_stuck(
    tmp_path: Path, running: RunWriter
) -> None:
    get_heartbeat_path(tmp_path, "a").touch()  # which proves nothing about its work
    assert not read_status(tmp_path).is_stuck
    running._db.execute("UPDATE progress SET updated_at = updated_at - 601")
    assert read_status(tmp_path).is_stuck


def test_the_state_of_an_earlier_life_is_not_shown_while_a_new_one_begins(
    tmp_path: Path, running: RunWriter
) -> None:
    running.record_step(StepRecord(1, "train", {}), max_steps=8)
    with open_index(tmp_path) as index:
        set_command_handled(index, "1")
        add_command(index, id="2", kind="resume", run="a")
        set_command_handled(index, "2", worker_pid=OWN_PID)
    assert read_status(tmp_path).state == "starting"
    running.start_attempt(from_step=0, pid=OWN_PID, command="2")
    assert (read_status(tmp_path).state, read_status(tmp_path).step) == ("starting", 0)


def test_a_run_whose_settings_cannot_be_read_hides_no_other(
    tmp_path: Path, running: RunWriter
) -> None:
    with open_index(tmp_path) as index:
        add_run(index, id="b", config=make_config({"name": "later"}))
        index.execute("UPDATE runs SET config = '{\"from_the_future\": 1}' WHERE id = 'b'")
        assert [s.run.id for s in list_run_statuses(index, tmp_path)] == ["a"]
        (odd,) = list_unreadable_runs(index)
        assert (odd.id, odd.name) == ("b", "later") and "from_the_future" in odd.problem
        with pytest.raises(BadInputError, match="settings of run 'b' cannot be read"):
            get_run_status(index, tmp_path, "b")
        assert is_run_active(index, tmp_path, "a")
        with pytest.raises(NotFoundError):
            is_run_active(index, tmp_path, "c")


def test_a_lock_lives_as_long_as_its_process(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    code = (
        "import pathlib, sys; from rft_core.store.state.run_lock import FileLock\n"
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


def test_a_lock_names_its_holder_and_a_copy_of_it_names_nobody(tmp_path: Path) -> None:
    here, copy = tmp_path / "here" / "worker.lock", tmp_path / "copy" / "worker.lock"
    lock = FileLock(here)
    lock.acquire()
    assert read_holder(here) == get_identity(OWN_PID)
    copy.parent.mkdir()
    shutil.copy(here, copy)
    assert read_holder(copy) is None
    with copy.open() as held:  # even while somebody holds the copy who has not signed it yet
        fcntl.flock(held, fcntl.LOCK_EX)
        assert is_locked(copy) and read_holder(copy) is None
    lock.release()
    assert read_holder(here) is None


def test_a_lock_knows_when_its_file_was_moved_away(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "here" / "worker.lock")
    lock.acquire()
    assert lock.is_in_place()
    (tmp_path / "here").rename(tmp_path / "there")
    assert not lock.is_in_place()
    FileLock(tmp_path / "here" / "worker.lock").acquire()
    assert not lock.is_in_place()
    lock.release()


def test_a_process_of_before_a_reboot_is_not_alive() -> None:
    me = get_identity(OWN_PID)
    assert is_alive(me)
    assert not is_alive(replace(me, boot="another boot"))
    assert is_alive(replace(me, boot=""))  # an older database does not say


def test_a_worker_that_begins_while_we_look_is_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader is delayed between its look at the lock and its look at the attempts."""
    with open_index(tmp_path) as index:
        add_run(index, id="a", config=make_config({"max_steps": 8}), launch_id="1")
        set_command_handled(index, "1", worker_pid=OWN_PID, worker_started=1.0)
    RunWriter(tmp_path, "a").close()
    lock = FileLock(get_worker_lock_path(tmp_path, "a"))

    def look_and_wait(path: Path) -> bool:
        seen = is_locked(path)
        if path == get_worker_lock_path(tmp_path, "a") and not seen:
            lock.acquire()
            with closing(RunWriter(tmp_path, "a")) as writer:
                writer.start_attempt(from_step=0, pid=OWN_PID, command="1")
        return seen

    monkeypatch.setattr(evidence_module, "is_locked", look_and_wait)
    assert read_status(tmp_path).state == "starting"
    lock.release()
    monkeypatch.undo()
    assert read_status(tmp_path).state == "crashed"


def test_every_state_has_a_rule_and_every_fact_is_used() -> None:
    states = {state for state, _ in RULES}
    assert states == set(STATE_LOOKS)
    used = {condition.removeprefix("not ") for _, conditions in RULES for condition in conditions}
    assert used == {field.name for field in fields(Facts)}


def test_only_the_runs_that_are_shown_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_index(tmp_path) as index:
        for number in range(40):
            id = f"run-{number:02}"
            get_run_dir(tmp_path, id).mkdir()
            add_run(index, id=id, config=make_config({}), launch_id=id)
            set_command_handled(index, id, worker_pid=DEAD_PID, worker_started=1.0)
            if number != 7:
                set_worker_ended(index, id)
        opened: list[str] = []
        monkeypatch.setattr(
            evidence_module, "open_run", lambda runs_dir, id: opened.append(id) or missing()
        )
        listed = list_run_statuses(index, tmp_path, limit=5)
        assert [s.run.id for s in listed] == sorted(opened, reverse=True) == [
            f"run-{number}" for number in (39, 38, 37, 36, 35)
        ]  # fmt: skip
        assert {command.run for command in list_open_commands(index)} == {"run-07"}


def missing() -> NoReturn:
    raise NotFoundError("There is no database")
