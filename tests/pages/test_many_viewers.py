"""Many people look at one run: what it costs is one read a change, not one a viewer."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.components.runs import pulse_route
from pages.components.runs.look import look_at, read_telling_group
from pages.components.runs.pulse_route import ROUTES
from rft_core.store.index import open_index
from rft_core.store.runs import get_run
from rft_core.store.sqlite import connections
from rft_core.store.state.revision import get_folder_revision, get_run_revision
from tests.sample_run import SampleRun, begin_run, queue_run

VIEWERS = 10


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def live(runs_dir: Path) -> Iterator[SampleRun]:
    run = begin_run(runs_dir, max_steps=100)
    run.hold()
    run.train(10)
    yield run
    run.end("stopped")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The databases that are opened from now on."""
    found: list[str] = []
    connect = connections._connect

    def counting(place: str, *, uri: bool = False) -> sqlite3.Connection:
        found.append(place)
        return connect(place, uri=uri)

    monkeypatch.setattr(connections, "_connect", counting)
    return found


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """What the tabs' pulse asks, of an app without commands to serve."""
    monkeypatch.setattr(pulse_route, "ensure_commands_are_served", lambda runs_dir: None)
    monkeypatch.setattr(pulse_route, "BEAT_SECONDS", 1e12)
    return TestClient(Starlette(routes=ROUTES))


def ask(client: TestClient, run: str = "") -> str:
    return str(client.get("/rft-pulse", params={"run": run}).json()["revision"])


def test_ten_tabs_that_wait_open_no_database(
    live: SampleRun, asking: TestClient, opened: list[str]
) -> None:
    before = ask(asking, live.id)
    for _ in range(VIEWERS):
        assert ask(asking, live.id) == before
        ask(asking)
    assert opened == []


@pytest.mark.parametrize(("viewers", "at_least", "at_most"), [(1, 50, 60), (10, 8, 10)])
def test_many_who_look_are_told_of_fewer_changes_and_never_of_a_last_one_too_few(
    viewers: int, at_least: int, at_most: int
) -> None:
    """A minute of a run that changes every second, and each viewer asks every second."""
    announced = pulse_route.Announced()
    told = [
        announced.tell(f"step {second}", second + viewer / viewers)
        for second in range(60)
        for viewer in range(viewers)
    ]
    assert at_least <= len(set(told[viewers * 4 :])) <= at_most
    ending = [announced.tell("the end", 60 + n / viewers) for n in range(10 * viewers)]
    assert ending[-1] == "the end"


def test_ten_viewers_of_a_new_step_read_it_once(
    runs_dir: Path, live: SampleRun, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse_route, "BEAT_SECONDS", 1e12)
    with open_index(runs_dir) as index:
        run = get_run(index, live.id)
    look_at(run)
    live.train(1)
    opened.clear()
    first = look_at(run)
    assert first.curves.last_step == 11
    strip = read_telling_group(run, first.revision, step=11, split="train")
    assert strip[0] and strip[0][0].step == 11
    once = len(opened)
    assert once > 0
    for _ in range(VIEWERS - 1):
        again = look_at(run)
        assert again is first
        read_telling_group(run, again.revision, step=11, split="train")
    assert len(opened) == once


def test_the_revision_follows_steps_commands_logs_and_the_worker_and_no_reader(
    runs_dir: Path, live: SampleRun
) -> None:
    def changed() -> bool:
        nonlocal known
        before, known = known, (get_run_revision(runs_dir, live.id), get_folder_revision(runs_dir))
        return before[0] != known[0] and before[1] != known[1]

    known = (get_run_revision(runs_dir, live.id), get_folder_revision(runs_dir))
    with open_index(runs_dir) as index:
        run = get_run(index, live.id)
    look_at(run)
    look_at(run)
    assert not changed()
    live.train(1)
    assert changed()
    live.writer.add_event("note", "a word")
    assert changed()
    queue_run(runs_dir, "countdown-2")
    assert changed()
    live.lock.release()
    assert changed()


def test_a_run_of_no_such_name_and_a_path_out_of_the_folder_are_no_ways_in(
    live: SampleRun, asking: TestClient
) -> None:
    assert asking.get("/rft-pulse", params={"run": "../x"}).status_code == 404
    assert asking.get("/rft-pulse", params={"run": "gone"}).status_code == 200


def test_a_waiting_command_is_served_again_while_anybody_looks(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_run(runs_dir, "countdown-2")
    started: list[Path] = []
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", started.append)
    client = TestClient(Starlette(routes=[Route("/p", pulse_route.Pulse().answer)]))
    for _ in range(VIEWERS):
        client.get("/p", params={"run": "countdown-2"})
    assert len(started) == 1
