"""Columns of a long run are brought up to date by a process that somebody's look begins."""

import time
from pathlib import Path

import pytest

from rft_core.errors import NotFoundError
from rft_core.jobs import column_building
from rft_core.jobs.column_building import ColumnsOfLiving, ensure_columns
from rft_core.paths import get_columns_lock_path, get_columns_log_path, get_run_dir
from rft_core.store.columns.building import build_columns
from rft_core.store.columns.curve_blocks import CURVE_ROWS, read_stored_curves
from rft_core.store.run_reader import open_run
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.store.state.run_lock import FileLock

RUN = "a-run"
PATIENCE = 120.0


@pytest.fixture
def long_run(tmp_path: Path) -> Path:
    """One block of metrics, and none of generations."""
    writer = RunWriter(tmp_path, RUN)
    writer.start_attempt(from_step=0, pid=1)
    names = [f"m{at}" for at in range(CURVE_ROWS // 20)]
    for step in range(1, 22):
        writer.record_step(StepRecord(step, "train", dict.fromkeys(names, 0.5)), max_steps=99)
    writer.close()
    return tmp_path


def count_curves(runs_dir: Path) -> int:
    with open_run(runs_dir, RUN) as db:
        return len(read_stored_curves(db)[1])


def test_a_look_begins_what_is_missing_and_only_that(long_run: Path) -> None:
    assert count_curves(long_run) == 0 and ensure_columns(long_run, RUN)
    deadline = time.monotonic() + PATIENCE
    while not count_curves(long_run):
        assert time.monotonic() < deadline, get_columns_log_path(long_run, RUN).read_text()
        time.sleep(0.05)
    assert count_curves(long_run) == CURVE_ROWS // 20
    assert not ensure_columns(long_run, RUN)  # nothing is missing
    assert get_columns_log_path(long_run, RUN).read_text() == ""


def test_nothing_is_begun_beside_a_process_that_is_at_it(long_run: Path) -> None:
    lock = FileLock(get_columns_lock_path(long_run, RUN))
    lock.acquire()
    assert not ensure_columns(long_run, RUN)
    lock.release()


def test_a_run_that_is_gone_is_left_alone(tmp_path: Path) -> None:
    assert not ensure_columns(tmp_path, "gone")
    with pytest.raises(NotFoundError):
        build_columns(tmp_path, "gone")
    assert not get_run_dir(tmp_path, "gone").exists()


def test_the_supervisor_looks_at_the_living_now_and_then(
    long_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(column_building, "ensure_columns", lambda _, run: seen.append(run))
    columns = ColumnsOfLiving(long_run)
    for _ in range(3):
        columns.look_after({RUN})
    assert seen == [RUN]
    monkeypatch.setattr(column_building, "LOOK_EVERY_SECONDS", 0.0)
    columns = ColumnsOfLiving(long_run)
    for _ in range(3):
        columns.look_after({RUN})
    assert seen == [RUN] * 4
