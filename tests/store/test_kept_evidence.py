"""A list of runs opens no database of one that has ended, and says the same all the same."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rft_core.config import make_config
from rft_core.paths import get_run_db_path, get_worker_lock_path
from rft_core.store.index import open_index
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.store.runs import add_run, delete_run
from rft_core.store.state import kept_evidence
from rft_core.store.state.evidence import Evidence, read_evidence
from rft_core.store.state.run_lock import FileLock
from rft_core.store.state.status import RunStatus, get_run_status, list_run_statuses

RUNS = ("a", "b", "c")


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    for run in RUNS:
        with open_index(tmp_path) as index:
            add_run(index, id=run, config=make_config({"name": run}))
        writer = RunWriter(tmp_path, run)
        writer.start_attempt(from_step=0, pid=1)
        writer.record_step(StepRecord(1, "train", {"reward": 0.5}, elapsed=2.0), max_steps=9)
        writer.end_attempt("finished")
        writer.close()
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose databases were opened."""
    opened: list[str] = []

    def read(runs_dir: Path, run: str) -> Evidence:
        opened.append(run)
        return read_evidence(runs_dir, run)

    monkeypatch.setattr(kept_evidence, "read_evidence", read)
    return opened


def ages(status: RunStatus) -> dict[str, Any]:
    return {"heartbeat_age": status.heartbeat_age, "progress_age": status.progress_age}


def list_states(runs_dir: Path) -> dict[str, tuple[str, int]]:
    with open_index(runs_dir) as index:
        found = list_run_statuses(index, runs_dir)
        for status in found:
            alone = get_run_status(index, runs_dir, status.run.id)
            assert replace(alone, **ages(status)) == status  # of a living one, a moment older
    return {status.run.id: (status.state, status.step) for status in found}


def test_what_has_ended_is_opened_once(runs_dir: Path, opened: list[str]) -> None:
    first = list_states(runs_dir)
    assert sorted(opened) == list(RUNS) and first == dict.fromkeys(RUNS, ("finished", 1))
    opened.clear()
    assert list_states(runs_dir) == first and not opened


def test_what_goes_on_is_read_again(runs_dir: Path, opened: list[str]) -> None:
    list_states(runs_dir)
    opened.clear()
    lock = FileLock(get_worker_lock_path(runs_dir, "b"))
    lock.acquire()
    writer = RunWriter(runs_dir, "b")
    writer.start_attempt(from_step=1, pid=2)
    writer.record_step(StepRecord(2, "train", {"reward": 0.9}, elapsed=4.0), max_steps=9)
    assert list_states(runs_dir)["b"] == ("running", 2)
    writer.end_attempt("stopped")
    writer.close()
    lock.release()
    assert list_states(runs_dir)["b"] == ("stopped", 2)
    assert set(opened) == {"b"}
    opened.clear()
    assert list_states(runs_dir)["b"] == ("stopped", 2) and not opened


def test_a_run_whose_record_is_gone_or_damaged_is_not_taken_from_memory(runs_dir: Path) -> None:
    list_states(runs_dir)
    get_run_db_path(runs_dir, "a").write_bytes(b"damaged, and not a database" * 99)
    shutil.rmtree(get_run_db_path(runs_dir, "c").parent)
    states = list_states(runs_dir)
    assert states["a"][0] == states["c"][0] == "unreadable" and states["b"] == ("finished", 1)


def test_a_deleted_run_leaves_nothing(runs_dir: Path) -> None:
    list_states(runs_dir)
    with open_index(runs_dir) as index:
        delete_run(index, "a")
        assert [row[0] for row in index.execute("SELECT run FROM run_evidence ORDER BY run")] == [
            "b",
            "c",
        ]


def test_what_a_later_version_kept_is_read_again(runs_dir: Path, opened: list[str]) -> None:
    first = list_states(runs_dir)
    with open_index(runs_dir) as index:
        index.execute("UPDATE run_evidence SET content = '{\"attempts\": 1}'")
    opened.clear()
    assert list_states(runs_dir) == first and sorted(opened) == list(RUNS)


def test_open_commands_are_found_without_a_look_at_all(runs_dir: Path) -> None:
    from rft_core.store.commands import add_command, list_open_commands, set_command_handled

    with open_index(runs_dir) as index:
        for number in range(300):
            add_command(index, id=f"c{number}", kind="stop", run="a")
            if number != 7:
                set_command_handled(index, f"c{number}")
        found = list_open_commands(index)
        assert len(found) == 300  # all of that run
        work = 0

        def tick() -> int:
            nonlocal work
            work += 1
            return 0

        set_command_handled(index, "c7")
        index.conn.set_progress_handler(tick, 10)
        assert list_open_commands(index) == []
        index.conn.set_progress_handler(None, 10)
    assert work < 20  # three hundred commands would be some thousand of SQLite's steps
