"""The index database: sets, runs and commands, also under many writers."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rft_core.config import make_config
from rft_core.errors import NotFoundError
from rft_core.store.commands import (
    add_command,
    find_command,
    list_commands,
    list_open_commands,
    set_command_handled,
    set_worker_ended,
)
from rft_core.store.index import open_index
from rft_core.store.runs import add_run, delete_run, get_run, list_runs
from rft_core.store.sets import ensure_set, get_set, list_sets
from rft_core.store.sqlite.database import transaction

ADD_REWARD_SET = (
    "INSERT INTO sets (kind, id, name, version, content, created_at) "
    "VALUES ('rewards', ?, 'n', 1, '', 0)"
)
CONFIG = make_config({"name": "a name", "beta": 0.5})


def test_a_set_is_stored_once(tmp_path: Path) -> None:
    with open_index(tmp_path) as db:
        for name in ("first", "second"):
            ensure_set(
                db, "prompts", id="p1", name=name, task="countdown", num_rows=3, content="{}"
            )
        assert [row["name"] for row in list_sets(db, "prompts")] == ["first"]
        assert get_set(db, "prompts", "p1").content == "{}"
        with pytest.raises(NotFoundError, match="no prompt set 'p2'"):
            get_set(db, "prompts", "p2")


def test_reward_sets_of_one_name_are_versions(tmp_path: Path) -> None:
    with open_index(tmp_path) as db:
        assert ensure_set(db, "rewards", id="r1", name="mine", content="1") == 1
        assert ensure_set(db, "rewards", id="r2", name="mine", content="2") == 2
        assert ensure_set(db, "rewards", id="r3", name="other", content="3") == 1
        assert ensure_set(db, "rewards", id="r1", name="mine", content="1") == 1  # unchanged
        assert get_set(db, "rewards", "r2").version == 2
        assert len(list_sets(db, "rewards")) == 3


def test_a_run_and_its_launch_are_added_together_and_only_once(tmp_path: Path) -> None:
    with open_index(tmp_path) as db:
        assert add_run(db, id="a", config=CONFIG, launch_id="click") == "a"
        assert add_run(db, id="b", config=CONFIG, launch_id="click") == "a"
        assert [run.id for run in list_runs(db)] == ["a"]
        assert [command.kind for command in list_commands(db, run="a")] == ["launch"]


def test_a_configuration_comes_back_as_it_was(tmp_path: Path) -> None:
    with open_index(tmp_path) as db:
        add_run(db, id="a", config=CONFIG, parent_run="p", parent_step=4)
        run = get_run(db, "a")
    assert (run.config, run.parent_run, run.parent_step) == (CONFIG, "p", 4)


def test_commands_come_oldest_first_and_are_answered_once(tmp_path: Path) -> None:
    with open_index(tmp_path) as db:
        add_run(db, id="a", config=CONFIG, launch_id="1")
        assert add_command(db, id="2", kind="stop", run="a")
        assert not add_command(db, id="2", kind="stop", run="a")
        set_command_handled(db, "1", worker_pid=42, worker_started=1.5)
        assert [command.id for command in list_commands(db)] == ["1", "2"]
        assert [command.id for command in list_commands(db, pending_only=True)] == ["2"]
        command = find_command(db, "1")
        assert command and (command.worker_pid, command.worker_started) == (42, 1.5)
        assert find_command(db, "3") is None


def test_a_deleted_run_takes_its_commands_along(tmp_path: Path) -> None:
    with open_index(tmp_path) as db:
        add_run(db, id="a", config=CONFIG, launch_id="1")
        delete_run(db, "a")
        assert list_runs(db) == [] and list_commands(db) == []
        with pytest.raises(NotFoundError, match="no run 'a'"):
            get_run(db, "a")
        with pytest.raises(NotFoundError, match="has been deleted"):
            add_command(db, id="2", kind="resume", run="a")
        assert list_commands(db) == []


def test_open_is_what_waits_for_a_supervisor(tmp_path: Path) -> None:
    with open_index(tmp_path) as db:
        for run in ("waits", "works", "ended", "cancelled", "of before"):
            add_run(db, id=run, config=CONFIG, launch_id=f"launch-{run}")
        for run in ("works", "ended"):
            set_command_handled(db, f"launch-{run}", handle="text")
        set_worker_ended(db, "launch-ended")
        set_command_handled(db, "launch-cancelled")
        set_command_handled(db, "launch-of before", worker_pid=42)
        add_command(db, id="stop", kind="stop", run="ended")
        assert {c.run for c in list_open_commands(db)} == {"waits", "works", "ended", "of before"}
        set_command_handled(db, "stop")
        assert {c.run for c in list_open_commands(db)} == {"waits", "works", "of before"}
        also = list_open_commands(db, also=["ended"])
        assert [c.id for c in also if c.run == "ended"] == ["launch-ended", "stop"]


def test_many_writers_wait_for_each_other(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        with open_index(tmp_path) as db:
            for number in range(20):
                add_command(db, id=f"{writer}-{number}", kind="stop", run="a")

    with open_index(tmp_path) as db:
        add_run(db, id="a", config=CONFIG)
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(write, range(8)))
    with open_index(tmp_path) as db:
        assert len(list_commands(db)) == 160


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    with open_index(tmp_path) as db:
        with pytest.raises(sqlite3.IntegrityError), transaction(db) as connection:
            connection.execute(ADD_REWARD_SET, ("x",))
            connection.execute(ADD_REWARD_SET, ("y",))
        assert list_sets(db, "rewards") == []
