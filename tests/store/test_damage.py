"""A damaged run is a sentence of its own: others stay as they were, and it can be deleted."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from rft_core.config import make_config
from rft_core.errors import DamagedDatabaseError, NotFoundError, UnreadableRunError
from rft_core.jobs import launcher
from rft_core.paths import (
    get_index_path,
    get_rescores_path,
    get_run_db_path,
    get_run_dir,
    get_worker_lock_path,
)
from rft_core.store.adapters import list_adapters
from rft_core.store.commands import add_command, list_commands, set_command_handled
from rft_core.store.deletion import remove_run
from rft_core.store.generations import count_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import has_database, list_attempts, open_run
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.store.runs import add_run, list_runs
from rft_core.store.state.run_lock import FileLock
from rft_core.store.state.status import get_run_status, list_run_statuses

DEAD_PID = 2**22 - 3


def make_run(runs_dir: Path, id: str) -> None:
    """A run whose worker died at step 2, as the supervisor left it."""
    get_run_dir(runs_dir, id).mkdir(parents=True)
    with open_index(runs_dir) as index:
        add_run(index, id=id, config=make_config({}), launch_id=f"launch-{id}")
        set_command_handled(index, f"launch-{id}", worker_pid=DEAD_PID, worker_started=1.0)
    writer = RunWriter(runs_dir, id)
    writer.start_attempt(from_step=0, pid=DEAD_PID, command=f"launch-{id}")
    for step in (1, 2):
        writer.record_step(StepRecord(step, "train", {"reward": 0.5}), max_steps=9)
    writer.close()


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    for id in ("good", "bad"):
        make_run(tmp_path, id)
    return tmp_path


def write(path: Path, content: bytes) -> None:
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.write_bytes(content)


def put_folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_newer(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


def drop_table(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("DROP TABLE attempts")
    db.close()


def scribble(path: Path) -> None:
    """Every page but the first, which holds the schema, is noise."""
    content = path.read_bytes()
    write(path, content[:4096] + os.urandom(len(content) - 4096))


UNREADABLE: dict[str, Callable[[Path], None]] = {
    "noise": lambda path: write(path, os.urandom(50_000)),
    "a header and noise": lambda path: write(path, b"SQLite format 3\0" + b"\7" * 5000),
    "noise after the first page": scribble,
    "cut in the middle": lambda path: write(path, path.read_bytes()[:20_000]),
    "cut after the first page": lambda path: write(path, path.read_bytes()[:4096]),
    "a folder": put_folder,
    "a pipe": put_pipe,
    "of a newer version": put_newer,
    "without a table": drop_table,
    "its folder gone": lambda path: shutil.rmtree(path.parent),
}
NOT_THERE: dict[str, Callable[[Path], None]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: write(path, b""),
}


@pytest.mark.parametrize("damage", UNREADABLE | NOT_THERE)
def test_a_damaged_run_hides_no_other_and_can_be_deleted(runs_dir: Path, damage: str) -> None:
    (UNREADABLE | NOT_THERE)[damage](get_run_db_path(runs_dir, "bad"))
    with open_index(runs_dir) as index:
        states = {s.run.id: s for s in list_run_statuses(index, runs_dir)}
    assert (states["good"].state, states["good"].step) == ("crashed", 2)
    assert states["bad"].state == ("unreadable" if damage in UNREADABLE else "crashed")
    assert states["bad"].message.endswith(".")
    list_adapters(runs_dir, "bad")
    launcher.delete(runs_dir, "bad")
    with open_index(runs_dir) as index:
        assert [run.id for run in list_runs(index)] == ["good"]
    assert not get_run_dir(runs_dir, "bad").exists()


@pytest.mark.parametrize("damage", [name for name in UNREADABLE if name != "its folder gone"])
def test_reading_a_damaged_run_raises_one_error(runs_dir: Path, damage: str) -> None:
    UNREADABLE[damage](get_run_db_path(runs_dir, "bad"))
    with (
        pytest.raises(UnreadableRunError, match="'bad'") as caught,
        open_run(runs_dir, "bad") as db,
    ):
        list_attempts(db)
        count_generations(db)
    assert caught.value.why and caught.value.fix


def test_damage_deep_in_a_database_is_told_as_well(runs_dir: Path) -> None:
    """The attempts can be read, the metrics cannot."""
    path = get_run_db_path(runs_dir, "bad")
    db = sqlite3.connect(path)
    (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'metrics'").fetchone()
    db.close()
    content = bytearray(path.read_bytes())
    content[4096 * (page - 1) : 4096 * page] = os.urandom(4096)
    write(path, bytes(content))
    assert has_database(runs_dir, "bad")
    with open_index(runs_dir) as index:
        assert get_run_status(index, runs_dir, "bad").state == "unreadable"


def test_a_damaged_run_whose_worker_lives_can_be_stopped(runs_dir: Path) -> None:
    put_newer(get_run_db_path(runs_dir, "bad"))
    lock = FileLock(get_worker_lock_path(runs_dir, "bad"))
    lock.acquire()
    with open_index(runs_dir) as index:
        assert get_run_status(index, runs_dir, "bad").is_stoppable
        add_command(index, id="s", kind="stop", run="bad")
        assert get_run_status(index, runs_dir, "bad").state == "stopping"
    lock.release()


def test_a_damaged_run_is_not_resumed(runs_dir: Path) -> None:
    UNREADABLE["noise"](get_run_db_path(runs_dir, "bad"))
    with pytest.raises(UnreadableRunError, match=r"'bad' cannot go on.*is damaged"):
        launcher.resume(runs_dir, "bad")
    with open_index(runs_dir) as index:
        assert [c.kind for c in list_commands(index, run="bad")] == ["launch"]


def test_a_damaged_run_that_is_resumed_waits_for_its_turn(runs_dir: Path) -> None:
    put_newer(get_run_db_path(runs_dir, "bad"))
    with open_index(runs_dir) as index:
        add_command(index, id="r", kind="resume", run="bad")
        assert get_run_status(index, runs_dir, "bad").state == "queued"


def test_damaged_rescores_do_not_keep_a_run_from_being_deleted(runs_dir: Path) -> None:
    get_rescores_path(runs_dir, "bad").write_bytes(os.urandom(5000))
    launcher.delete(runs_dir, "bad")
    assert not get_run_dir(runs_dir, "bad").exists()


def test_a_writer_says_that_a_database_is_damaged(runs_dir: Path) -> None:
    UNREADABLE["noise"](get_run_db_path(runs_dir, "bad"))
    with pytest.raises(DamagedDatabaseError, match=r"run.db' is damaged"):
        RunWriter(runs_dir, "bad")


@pytest.mark.parametrize("damage", ["noise", "a header and noise", "a folder", "cut in the middle"])
def test_a_damaged_index_is_named(runs_dir: Path, damage: str) -> None:
    UNREADABLE[damage](get_index_path(runs_dir))
    with (
        pytest.raises(DamagedDatabaseError, match=r"index.db' is damaged"),
        open_index(runs_dir) as index,
    ):
        list_commands(index)
        list_runs(index)


def test_a_request_for_a_run_that_was_just_deleted_is_refused(runs_dir: Path) -> None:
    launcher.delete(runs_dir, "bad")
    with (
        open_index(runs_dir) as index,
        pytest.raises(NotFoundError, match="'bad' has been deleted"),
    ):
        add_command(index, id="late", kind="resume", run="bad")


def test_a_run_that_is_asked_for_while_it_is_deleted_stays(runs_dir: Path) -> None:
    """The look and the deletion are one: nothing comes in between."""

    def check(index: object) -> None:
        with open_index(runs_dir) as other:
            other.execute("PRAGMA busy_timeout = 50")
            with pytest.raises(Exception, match="locked"):
                add_command(other, id="r", kind="resume", run="bad")

    remove_run(runs_dir, "bad", check=check)
    with open_index(runs_dir) as index:
        assert [c.run for c in list_commands(index)] == ["good"]


def test_what_an_interrupted_deletion_left_is_removed_by_the_next(runs_dir: Path) -> None:
    remove_run(runs_dir, "bad", check=lambda index: None)  # and then the process was killed
    assert get_run_dir(runs_dir, "bad").exists()
    launcher.delete(runs_dir, "good")
    assert not get_run_dir(runs_dir, "bad").exists()
