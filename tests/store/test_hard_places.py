"""Runs folders that are full, read-only, or made by several at once. The disks are real ones."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.config import make_config
from rft_core.errors import DiskFullError, NotWritableError
from rft_core.jobs import launcher
from rft_core.paths import PROJECT_ROOT, get_index_path, get_reserve_path, get_run_db_path
from rft_core.store.commands import add_command, set_command_handled
from rft_core.store.generations import count_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.store.runs import add_run, list_runs
from rft_core.store.sqlite.connections import list_wal_files
from rft_core.store.state.status import get_run_status, list_run_statuses
from tests.store.test_damage import make_run
from tests.store.test_migrations import OLD, RUN, undo_tier


def mount(folder: Path, *options: str) -> bool:
    """Whether we may mount here, and did."""
    command = ["mount", *options, str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, with two runs."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount(folder, "-t", "tmpfs", "-o", "size=24m", "tmpfs"):
        pytest.skip("only root may mount a disk of its own")
    for id in ("one", "two"):
        make_run(folder, id)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    assert shutil.disk_usage(folder).free == 0


def make_read_only(folder: Path) -> None:
    assert mount(folder, "-o", "remount,ro")


def keep_the_log(runs_dir: Path, id: str) -> None:
    """As a worker leaves it that was killed: the newest step is in the log alone."""
    code = (
        "import os, pathlib, sys; from rft_core.store.run_writer import *\n"
        "writer = RunWriter(pathlib.Path(sys.argv[1]), sys.argv[2])\n"
        "writer.record_step(StepRecord(3, 'train', {'reward': 3.0}), max_steps=9)\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(runs_dir), id], cwd=PROJECT_ROOT, check=False)
    log, memory = list_wal_files(get_run_db_path(runs_dir, id))
    memory.unlink()
    assert log.stat().st_size


@pytest.mark.parametrize("trouble", [fill, make_read_only])
def test_what_is_there_is_read_where_nothing_can_be_written(disk: Path, trouble) -> None:
    keep_the_log(disk, "two")
    trouble(disk)
    with open_index(disk) as index:
        statuses = list_run_statuses(index, disk)
    assert {s.run.id: (s.state, s.step) for s in statuses} == {
        "one": ("crashed", 2), "two": ("crashed", 3),
    }  # fmt: skip
    with open_run(disk, "two") as db:
        assert list(metrics_frame(db)["step"]) == [1, 2, 3]


def test_writing_to_a_read_only_folder_says_why_not(disk: Path) -> None:
    make_read_only(disk)
    refused = pytest.raises(NotWritableError, match=r"index.db' cannot be written")
    with open_index(disk) as index, refused:
        add_command(index, id="r", kind="resume", run="one")
    for ask in (launcher.resume, launcher.delete):
        with pytest.raises(NotWritableError, match=r"cannot be written.*RFT_RUNS_DIR"):
            ask(disk, "one")
    with pytest.raises(NotWritableError):
        RunWriter(disk, "one")
    with pytest.raises(NotWritableError):
        launcher.launch(disk / "new", make_config({"task": "countdown"}))


def test_an_old_database_is_read_from_a_read_only_folder(disk: Path) -> None:
    shutil.copytree(OLD, disk / "old")
    undo_tier(get_run_db_path(disk / "old", RUN))
    make_read_only(disk)
    with open_index(disk / "old") as index:
        assert get_run_status(index, disk / "old", RUN).state == "finished"
    with open_run(disk / "old", RUN) as db:
        assert count_generations(db) == 16


@pytest.mark.parametrize("with_reserve", [True, False])
def test_a_run_can_be_deleted_from_a_full_disk(disk: Path, with_reserve: bool) -> None:
    assert get_reserve_path(disk).exists()
    if not with_reserve:
        get_reserve_path(disk).unlink()
        (disk / "one" / "checkpoints").mkdir()
        (disk / "one" / "checkpoints" / "weights").write_bytes(b"1" * 1_000_000)
    fill(disk)
    launcher.delete(disk, "one")
    with open_index(disk) as index:
        assert [run.id for run in list_runs(index)] == ["two"]
    assert not (disk / "one").exists()
    (disk / "ballast").unlink()
    launcher.delete(disk, "two")
    assert get_reserve_path(disk).exists()  # for the next time


def test_a_full_disk_is_named_with_the_place_and_the_cure(disk: Path) -> None:
    writer = RunWriter(disk, "one")
    fill(disk)
    with pytest.raises(DiskFullError, match=r"disk is full.*run.db'.*MB are free.*deleting runs"):
        for step in range(3, 1000):
            writer.record_step(StepRecord(step, "train", {"reward": 1.0}), max_steps=9)
    (disk / "ballast").unlink()
    writer.record_step(StepRecord(1000, "train", {"reward": 1.0}), max_steps=9)
    writer.close()
    with open_index(disk) as index:
        add_command(index, id="r", kind="resume", run="one")


def test_nothing_can_be_asked_on_a_full_disk_and_it_says_so(disk: Path) -> None:
    get_reserve_path(disk).unlink()
    fill(disk)
    with pytest.raises(DiskFullError, match=r"index.db'"):
        launcher.resume(disk, "one")
    with pytest.raises(DiskFullError), open_index(disk) as index:
        add_run(index, id="three", config=make_config({}))


def test_a_commit_that_finds_no_room_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    """Without a disk of its own: SQLite has rolled back by itself then."""
    make_run(tmp_path, "one")
    writer = RunWriter(tmp_path, "one")
    pages = writer._db.execute("PRAGMA page_count").fetchone()[0]
    writer._db.execute(f"PRAGMA max_page_count = {pages}")
    long = {f"metric {number}": 1.0 for number in range(2000)}
    with pytest.raises(DiskFullError, match=r"run.db'"):
        writer.record_step(StepRecord(3, "train", long), max_steps=9)
    writer._db.execute("PRAGMA max_page_count = 100000")
    writer.record_step(StepRecord(3, "train", long), max_steps=9)
    writer.close()


def test_what_is_made_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    with open_index(folder) as index:
        add_run(index, id="one", config=make_config({}), launch_id="1")
        set_command_handled(index, "1")
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600} and get_index_path(folder).name in modes


@pytest.mark.parametrize("attempt", range(3))
def test_many_open_a_fresh_folder_at_once(tmp_path: Path, attempt: int) -> None:
    code = (
        "import pathlib, sys, time\n"
        "from rft_core.store.index import open_index\n"
        "from rft_core.store.commands import add_command\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "with open_index(pathlib.Path(sys.argv[1])) as index:\n"
        "    add_command(index, id=sys.argv[2], kind='stop', run='x')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "runs")]
    many = [
        subprocess.Popen(
            [*command, str(n)], cwd=PROJECT_ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for n in range(8)
    ]  # fmt: skip
    for one in many:
        assert one.stdout and one.stdout.readline() == "ready\n"
    for one in many:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    ends = [one.communicate(timeout=60) for one in many]
    assert [one.returncode for one in many] == [0] * 8, ends
    with open_index(tmp_path / "runs") as index:
        assert index.execute("SELECT count(*) FROM commands").fetchone() == (8,)
