"""A line for each run: the same status as a look at the run itself, without opening what ended."""

from dataclasses import replace
from pathlib import Path

import pytest

from rft_core.paths import get_run_db_path
from rft_core.store.index import open_index
from rft_core.store.listing import run_lines
from rft_core.store.listing.digests import list_digests
from rft_core.store.listing.reward_curve import read_reward_curve
from rft_core.store.listing.run_lines import RunLines, read_run_lines
from rft_core.store.run_reader import open_run
from rft_core.store.state.status import get_run_status
from tests.sample_run import begin_run, queue_run, write_finished_run


def read(runs_dir: Path, known: RunLines | None = None) -> RunLines:
    with open_index(runs_dir) as index:
        return read_run_lines(index, runs_dir, known.digests if known else None)


def count_openings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []
    real = run_lines.open_run

    def counted(runs_dir: Path, run_id: str):  # type: ignore[no-untyped-def]
        opened.append(run_id)
        return real(runs_dir, run_id)

    monkeypatch.setattr(run_lines, "open_run", counted)
    return opened


def test_every_line_says_what_the_run_itself_says(tmp_path: Path) -> None:
    write_finished_run(tmp_path, "finished", steps=12)
    failed = begin_run(tmp_path, "failed", max_steps=9)
    failed.train(3)
    failed.end("failed", "out of memory")
    crashed = begin_run(tmp_path, "crashed")
    crashed.train(2)
    crashed.end(None)
    live = begin_run(tmp_path, "live")
    live.hold()
    live.train(2)
    queue_run(tmp_path, "queued")
    write_finished_run(tmp_path, "damaged", steps=2)
    get_run_db_path(tmp_path, "damaged").write_bytes(b"\7" * 5000)
    for found in (read(tmp_path), read(tmp_path)):  # the second from digests
        assert {line.id: line.status.state for line in found.lines} == {
            "finished": "finished", "failed": "failed", "crashed": "crashed", "live": "running",
            "queued": "queued", "damaged": "unreadable",
        }  # fmt: skip
        with open_index(tmp_path) as index:
            for line in found.lines:
                status = get_run_status(index, tmp_path, line.id)
                ages = {"heartbeat_age": None, "progress_age": None}
                assert replace(line.status, **ages) == replace(status, **ages), line.id
    live.end()


def test_what_has_ended_is_opened_once_and_again_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_finished_run(tmp_path, "a", steps=3)
    write_finished_run(tmp_path, "b", steps=3)
    opened = count_openings(monkeypatch)
    first = read(tmp_path)
    assert sorted(opened) == ["a", "b"]
    assert read(tmp_path) == read(tmp_path, first) and sorted(opened) == ["a", "b"]
    with open_run(tmp_path, "a") as db:
        path = Path(db.conn.execute("PRAGMA database_list").fetchone()[2])
    path.touch()
    assert [line.curve for line in read(tmp_path).lines] == [line.curve for line in first.lines]
    assert sorted(opened) == ["a", "a", "b"]


def test_a_digest_of_another_form_is_made_again(tmp_path: Path) -> None:
    write_finished_run(tmp_path, "a", steps=3)
    before = read(tmp_path)
    with open_index(tmp_path) as index:
        index.execute('UPDATE run_digests SET content = \'{"recorded": {"odd": 1}}\'')
        assert list_digests(index) == {}
    assert read(tmp_path) == before


def test_a_curve_has_few_points_whose_mean_is_that_of_the_run(tmp_path: Path) -> None:
    run = begin_run(tmp_path, "long", max_steps=100)
    run.train(100)
    with open_run(tmp_path, "long") as db:
        curve = read_reward_curve(db, points=10)
        sql = "SELECT avg(value) FROM metrics WHERE split = 'train' AND name = 'reward'"
        sql += " AND step BETWEEN 1 AND 5"
        assert curve[0] == pytest.approx(db.execute(sql).fetchone()[0])
        assert len(curve) == 10 and len(read_reward_curve(db)) <= 40
    run.end()
    queue_run(tmp_path, "queued")
    assert read(tmp_path).lines[0].curve == ()
