"""A long run is read in columns: whatever is asked, the answer is that of a look at every row."""

import random
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rft_core.errors import WorkerError
from rft_core.paths import get_columns_lock_path, get_columns_path, get_run_db_path
from rft_core.store.columns.attached import Columns, read_with_columns
from rft_core.store.columns.building import build_columns, has_backlog
from rft_core.store.columns.grams import BLOCK_ROWS
from rft_core.store.generations import (
    StoredGeneration,
    count_generations,
    count_within,
    iterate_generations,
    list_flags,
    list_generations,
)
from rft_core.store.run_reader import open_run
from rft_core.store.run_writer import GenerationRecord, PromptRecord, RunWriter, StepRecord
from rft_core.store.search import GenerationFilter
from rft_core.store.state.run_lock import FileLock
from tests.naive_search import passes

RUN = "a-run"
A_STEP = 128
LETTERS = "aAbBkK 12 90%_\\'\"ßſ\u212aéÉπΠ\0\nİﬁ"
PROMPTS = [PromptRecord(at, {}, [], "?") for at in range(7)]
Where = GenerationFilter


def write_steps(writer: RunWriter, first: int, last: int, seed: int = 0) -> None:
    """Steps of 128 random generations; every fifth has a validation behind it."""
    rng = random.Random(f"{seed}-{first}")
    for step in range(first, last + 1):
        for split in ("train", "validation") if step % 5 == 0 else ("train",):
            rows = [make_generation(rng, at) for at in range(A_STEP)]
            record = StepRecord(step, split, {"reward": step / 7}, rows, PROMPTS)  # type: ignore[arg-type]
            writer.record_step(record, max_steps=99)


def make_generation(rng: random.Random, at: int) -> GenerationRecord:
    text = "".join(rng.choices(LETTERS[: rng.choice((16, len(LETTERS)))], k=rng.randint(0, 30)))
    scores = {
        "format": rng.choice((0.0, 0.5, 1.0)),
        **({"judge": rng.choice((None, 0.25, 1e300))} if rng.random() < 0.5 else {}),
    }
    return GenerationRecord(
        group_index=at // 4, sample_index=at % 4, prompt_position=at % 7, completion=text,
        num_tokens=len(text), truncated=rng.random() < 0.1,
        reward=rng.choice((None, -1.0, 0.0, 2.5)), advantage=None, scores=scores, reasons={},
        flags=tuple(flag for flag in ("odd", "f'l\"ag") if rng.random() < 0.02),
    )  # fmt: skip


@pytest.fixture(scope="module")
def two_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a run of two blocks in columns, and a little more."""
    runs_dir = tmp_path_factory.mktemp("runs")
    writer = RunWriter(runs_dir, RUN)
    writer.start_attempt(from_step=0, pid=1)
    write_steps(writer, 1, 60)
    build_columns(runs_dir, RUN)
    writer.close()
    return runs_dir


@pytest.fixture(scope="module")
def long_run(two_blocks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, longer than its columns; nothing is added to it."""
    runs_dir = tmp_path_factory.mktemp("longer") / "runs"
    shutil.copytree(two_blocks, runs_dir)
    writer = RunWriter(runs_dir, RUN)
    write_steps(writer, 61, 63)
    writer.close()
    return runs_dir


def look_at_all(runs_dir: Path) -> list[StoredGeneration]:
    """Every row, by no filter and no index."""
    with open_run(runs_dir, RUN) as db:
        rows = list(iterate_generations(db, page=5_000))
        stored = db.execute("SELECT id, completion FROM generations ORDER BY id").fetchall()
    assert [(g.id, g.completion) for g in rows] == stored
    return rows


def in_columns(runs_dir: Path) -> int:
    """How many generations are read in columns."""
    with open_run(runs_dir, RUN) as db:
        return read_with_columns(db, lambda columns: columns.num_rows, lambda: 0)


TEXTS = (
    "a", "K", "1", "%", "_", "\\", "'", '"', "\0", "ß", "ſ", "\u212a", "É", "π", "İ", "\n", "ss",
    "ab", "bK", "90", "%_", "\\'", "ßſ", "éπ", "a\0", "1 2", "ab1", "kk", " 12", "aKb", "ΠΠ", "fi",
    "aab1", "12 90", "k\u212ak", "%_\\'", "zebra", "ssss", "\ud800", "a" * 31, "a" * 70_000,
)  # fmt: skip
FILTERS = (
    Where(), Where(step=3), Where(split="train"), Where(split="validation"), Where(prompt_id=3),
    Where(prompt_id=10**12), Where(truncated=True), Where(truncated=False), Where(flag="odd"),
    Where(flag="f'l\"ag"), Where(flag="none"), Where(unscored=True), Where(min_score=0),
    Where(max_score=-1), Where(min_score=0, max_score=0), Where(min_score=3),
    Where(function="format", min_score=0.5), Where(function="judge", max_score=0.25),
    Where(function="judge"), Where(function="nobody", min_score=0),
    Where(function="judge", min_score=1e300), Where(split="validation", text="a", truncated=True),
    Where(step=5, text="a", flag="odd"), Where(text="k1", function="format", max_score=0.5),
    Where(unscored=True, flag="odd", text="b"), Where(prompt_id=2, min_score=1, text="aa"),
    Where(ids=(3, 14, 10**12)), Where(ids=(5,), split="validation"), Where(last_step=3),
    Where(step=2, last_step=4), Where(step=2, last_step=4, text="a"),
)  # fmt: skip


@pytest.mark.parametrize("where", [*FILTERS, *(Where(text=text) for text in TEXTS)])
def test_every_filter_finds_what_a_look_at_every_row_finds(
    long_run: Path, all_rows: list[StoredGeneration], where: GenerationFilter
) -> None:
    expected = [g.id for g in all_rows if passes(g, where)]
    with open_run(long_run, RUN) as db:
        assert count_generations(db, where) == len(expected)
        newest = list_generations(db, where, limit=200)
        oldest = list_generations(db, where, limit=200, newest_first=False)
        assert [g.id for g in newest] == expected[::-1][:200]
        assert [g.id for g in oldest] == expected[:200]
        if expected:
            middle = expected[len(expected) // 2]
            older = list_generations(db, where, limit=20, before_id=middle)
            newer = list_generations(db, where, limit=20, before_id=middle, newest_first=False)
            assert [g.id for g in older] == [id for id in expected[::-1] if id < middle][:20]
            assert [g.id for g in newer] == [id for id in expected if id > middle][:20]


@pytest.fixture(scope="module")
def all_rows(long_run: Path) -> list[StoredGeneration]:
    rows = look_at_all(long_run)
    assert in_columns(long_run) == 2 * BLOCK_ROWS < len(rows)
    return rows


def test_what_cannot_be_counted_in_time_is_counted_in_part(
    long_run: Path, all_rows: list[StoredGeneration]
) -> None:
    with open_run(long_run, RUN) as db:
        for where in (Where(text="a"), Where(text="aabb"), Where(truncated=True)):
            exact = count_within(db, where, seconds=60)
            assert exact.is_exact and exact.number == sum(passes(g, where) for g in all_rows)
        part = count_within(db, Where(text="aab1"), seconds=-1)
        assert not part.is_exact
        assert part.number == sum(passes(g, Where(text="aab1")) for g in all_rows[2 * BLOCK_ROWS :])


@pytest.fixture
def writer(tmp_path: Path, two_blocks: Path) -> Iterator[RunWriter]:
    """The worker of that run, in a folder of the test's own."""
    shutil.copytree(two_blocks, tmp_path, dirs_exist_ok=True)
    writer = RunWriter(tmp_path, RUN)
    yield writer
    writer.close()


def test_flags_are_those_of_old_and_new_generations(tmp_path: Path, writer: RunWriter) -> None:
    late = replace(make_generation(random.Random(0), 0), flags=("late",))
    writer.record_step(StepRecord(61, "train", {}, [late], PROMPTS), max_steps=99)
    with open_run(tmp_path, RUN) as db:
        assert list_flags(db) == ["f'l\"ag", "late", "odd"]


SOME = (Where(), Where(text="ab"), Where(text="aab1"), Where(flag="odd"), Where(min_score=1))


def check_some(runs_dir: Path) -> None:
    rows = look_at_all(runs_dir)
    with open_run(runs_dir, RUN) as db:
        for where in SOME:
            expected = [g.id for g in rows if passes(g, where)]
            for newest_first in (True, False):
                page = list_generations(db, where, limit=100, newest_first=newest_first)
                assert [g.id for g in page] == expected[:: -1 if newest_first else 1][:100], where
            assert count_generations(db, where) == len(expected)


@pytest.mark.parametrize(("from_step", "kept"), [(0, 0), (26, 0), (28, 1), (59, 2)])
def test_columns_follow_a_resume_at_once(
    tmp_path: Path, writer: RunWriter, from_step: int, kept: int
) -> None:
    assert in_columns(tmp_path) == 2 * BLOCK_ROWS
    writer.start_attempt(from_step=from_step, pid=2)
    assert in_columns(tmp_path) == kept * BLOCK_ROWS  # with nobody having brought them up to date
    check_some(tmp_path)
    write_steps(writer, from_step + 1, 60, seed=1)
    check_some(tmp_path)
    build_columns(tmp_path, RUN)
    assert in_columns(tmp_path) == 2 * BLOCK_ROWS
    check_some(tmp_path)


def test_a_backlog_is_a_whole_block(tmp_path: Path, writer: RunWriter) -> None:
    assert not has_backlog(tmp_path, RUN) and not has_backlog(tmp_path, "no-run")
    assert build_columns(tmp_path, RUN) == 0
    write_steps(writer, 61, 90)
    assert has_backlog(tmp_path, RUN)
    assert build_columns(tmp_path, RUN) == 1
    assert not has_backlog(tmp_path, RUN)
    writer.start_attempt(from_step=89, pid=2)  # ids are missing, but no block is
    write_steps(writer, 90, 91)
    writer.start_attempt(from_step=89, pid=3)
    write_steps(writer, 90, 93)
    assert not has_backlog(tmp_path, RUN)


def test_one_process_at_a_time_builds(tmp_path: Path, writer: RunWriter) -> None:
    lock = FileLock(get_columns_lock_path(tmp_path, RUN))
    lock.acquire()
    with pytest.raises(WorkerError):
        build_columns(tmp_path, RUN)
    lock.release()
    assert build_columns(tmp_path, RUN) == 0


def test_a_search_is_right_while_the_run_is_written_and_resumed(
    tmp_path: Path, writer: RunWriter
) -> None:
    """Every completion says its step: what is found is a whole beginning of the record."""
    ended, troubles = threading.Event(), list[str]()

    def build() -> None:
        while not ended.is_set():
            build_columns(tmp_path, RUN)

    def read() -> None:
        while not ended.is_set():
            with open_run(tmp_path, RUN) as db:
                found = list_generations(db, Where(text="a", split="train"), limit=9_999)
                steps = {g.step for g in found}
            if steps != set(range(1, max(steps) + 1)):
                troubles.append(f"{sorted(steps)}")
            if any(not passes(g, Where(text="a", split="train")) for g in found):
                troubles.append("found what does not match")

    threads = [threading.Thread(target=work) for work in (build, read)]
    for thread in threads:
        thread.start()
    for seed in range(2):
        write_steps(writer, 61, 70, seed=seed)
        writer.start_attempt(from_step=60, pid=3)
    ended.set()
    for thread in threads:
        thread.join()
    assert not troubles
    check_some(tmp_path)


def ruin(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[2048 : len(content) // 2] = bytes(len(content) // 2 - 2048)
    path.write_bytes(content)


def of_a_later_version(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    "harm", [Path.unlink, lambda path: path.write_bytes(b"no database"), ruin, of_a_later_version]
)
def test_a_run_is_read_without_columns_that_cannot_be_read(
    tmp_path: Path, writer: RunWriter, harm: Callable[[Path], object]
) -> None:
    path = get_columns_path(get_run_db_path(tmp_path, RUN))
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    harm(path)
    check_some(tmp_path)
    with open_run(tmp_path, RUN) as run:
        assert list_flags(run) == ["f'l\"ag", "odd"]


@pytest.mark.parametrize(
    "harm", [lambda path: path.write_bytes(b"no database" * 99), of_a_later_version]
)
def test_columns_that_cannot_be_read_are_begun_anew(
    tmp_path: Path, writer: RunWriter, harm: Callable[[Path], object]
) -> None:
    harm(get_columns_path(get_run_db_path(tmp_path, RUN)))
    assert has_backlog(tmp_path, RUN)
    assert build_columns(tmp_path, RUN) >= 2
    assert in_columns(tmp_path) == 2 * BLOCK_ROWS
    check_some(tmp_path)


def test_a_record_restored_from_a_backup_is_not_read_in_newer_columns(
    tmp_path: Path, writer: RunWriter
) -> None:
    path = get_run_db_path(tmp_path, RUN)
    writer.make_durable()
    backup = path.read_bytes()
    write_steps(writer, 61, 90)
    build_columns(tmp_path, RUN)
    assert in_columns(tmp_path) == 3 * BLOCK_ROWS
    writer.make_durable()
    path.write_bytes(backup)
    assert in_columns(tmp_path) == 2 * BLOCK_ROWS
    check_some(tmp_path)


def test_columns_know_the_places_of_ids(long_run: Path, all_rows: list[StoredGeneration]) -> None:
    ids = [g.id for g in all_rows[: 2 * BLOCK_ROWS]]

    def look(columns: Columns) -> None:
        places = np.array([0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS - 1])
        assert columns.get_ids(places).tolist() == [ids[place] for place in places]
        assert [columns.find_place(ids[place]) for place in places] == places.tolist()
        assert columns.find_place(0) == 0 and columns.find_place(10**9) == 2 * BLOCK_ROWS
        assert columns.last_id == ids[-1]

    with open_run(long_run, RUN) as db:
        read_with_columns(db, look, lambda: pytest.fail("there are no columns"))
