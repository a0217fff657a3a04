"""What the supervisor does over and over costs the same however many runs are finished."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_core.config import make_config
from rft_core.jobs.backends import LocalBackend
from rft_core.jobs.supervisor import Supervisor
from rft_core.paths import get_run_dir
from rft_core.store.commands import set_command_handled, set_worker_ended
from rft_core.store.index import open_index
from rft_core.store.runs import add_run

_listeners: list[list[str]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "sqlite3.connect":
        for heard in _listeners:
            heard.append(str(arguments[0]))


sys.addaudithook(_hear)  # there is no taking it away


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The databases that this process opens."""
    heard: list[str] = []
    _listeners.append(heard)
    yield heard
    _listeners.remove(heard)


def add_finished_runs(runs_dir: Path, count: int) -> None:
    config = make_config({})
    with open_index(runs_dir) as index:
        for number in range(count):
            run, launch = f"run-{number}", f"launch-{number}"
            get_run_dir(runs_dir, run).mkdir(parents=True)
            add_run(index, id=run, config=config, launch_id=launch)
            set_command_handled(index, launch, handle="a worker of long ago")
            set_worker_ended(index, launch)


def test_a_tick_opens_as_many_databases_for_200_finished_runs_as_for_none(
    tmp_path: Path, opened: list[str]
) -> None:
    counts = []
    for count in (0, 200):
        runs_dir = tmp_path / str(count)
        add_finished_runs(runs_dir, count)
        supervisor = Supervisor(runs_dir, [LocalBackend(runs_dir)])
        opened.clear()
        ticks = []
        for _ in range(3):
            before = len(opened)
            supervisor.tick()
            ticks.append(len(opened) - before)
        counts.append(ticks)
    assert counts[0] == counts[1]
    assert max(counts[0]) == 1, "the index alone"
