"""One run's database: steps are whole, nothing is kept twice, pages are cut right."""

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rft_core.errors import NotFoundError
from rft_core.paths import get_run_db_path
from rft_core.store.generations import (
    count_generations,
    get_group,
    get_prompts,
    iterate_generations,
    list_flags,
    list_generations,
    list_prompt_history,
)
from rft_core.store.phase_times import PhaseTimes, get_phase_times, phase_totals
from rft_core.store.run_reader import (
    events_frame,
    get_progress,
    has_database,
    last_metrics,
    list_attempts,
    list_checkpoints,
    metrics_frame,
    open_run,
    tokens_trained,
    training_seconds,
)
from rft_core.store.run_writer import GenerationRecord, PromptRecord, RunWriter, StepRecord
from rft_core.store.search import GenerationFilter
from rft_core.store.sqlite.without_pandas import Database

RUN = "a-run"
MESSAGES = [{"role": "user", "content": "?"}]
ASKED = [PromptRecord(i, {"question": f"q{i}"}, MESSAGES, f"q{i}?") for i in range(2)]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RunWriter]:
    writer = RunWriter(tmp_path, RUN)
    writer.start_attempt(from_step=0, pid=7)
    yield writer
    writer.close()


def generation(group: int, sample: int, **values: object) -> GenerationRecord:
    defaults: dict[str, object] = {
        "group_index": group,
        "sample_index": sample,
        "prompt_position": group,
        "completion": f"text {group}.{sample}",
        "num_tokens": 3,
        "truncated": False,
        "reward": float(sample),
        "advantage": sample - 0.5,
        "scores": {"format": float(sample), "judge": None},
        "reasons": {"format": "because"},
        "flags": ("odd",) if sample else (),
    }
    return GenerationRecord(**(defaults | values))  # type: ignore[arg-type]


def train_step(step: int) -> StepRecord:
    generations = [generation(group, sample) for group in range(2) for sample in range(2)]
    metrics = {"reward": step / 10, "kl": math.nan}
    return StepRecord(
        step, "train", metrics, generations, ASKED, elapsed=step * 2.0, tokens=step * 12
    )


def test_prompts_are_stored_as_they_come_and_each_once(writer: RunWriter, tmp_path: Path) -> None:
    def record(step: int, *prompts: PromptRecord) -> None:
        at = generation(0, 0, prompt_position=prompts[0].position)
        writer.record_step(
            replace(train_step(step), generations=[at], prompts=prompts), max_steps=9
        )

    def ask(position: int, text: str) -> PromptRecord:
        return PromptRecord(position, {}, [], text)

    writer.record_step(train_step(1), max_steps=9)
    with pytest.raises(TypeError):  # whole or not at all
        record(2, ask(8, "eight"), PromptRecord(9, {"a": object()}, [], ""))
    record(2, ask(7, "seven"), ask(7, "seven"), ask(0, "another text"))
    record(3, ask(7, "seven"))
    with open_run(tmp_path, RUN) as db:
        stored = db.execute("SELECT position, text FROM prompts WHERE split = 'train' ORDER BY 1")
        assert stored.fetchall() == [(0, "q0?"), (1, "q1?"), (7, "seven")]
        sql = "SELECT step, text FROM prompts JOIN generations ON prompts.id = prompt_id"
        assert db.execute(f"{sql} WHERE step > 1").fetchall() == [(2, "seven"), (3, "seven")]


def test_a_step_appears_whole(tmp_path: Path, writer: RunWriter) -> None:
    writer.record_step(train_step(1), max_steps=9)
    with open_run(tmp_path, RUN) as db:
        assert count_generations(db) == 4
        assert last_metrics(db) == {"reward": 0.1}  # what is not finite is left out
        progress = get_progress(db)
        assert progress and (progress.step, progress.max_steps) == (1, 9)
        assert (training_seconds(db), tokens_trained(db)) == (2.0, 12)


def test_a_step_that_fails_leaves_nothing(tmp_path: Path, writer: RunWriter) -> None:
    twice = StepRecord(1, "train", {"reward": 1.0}, [generation(0, 0), generation(0, 0)], ASKED)
    with pytest.raises(sqlite3.IntegrityError):
        writer.record_step(twice, max_steps=9)
    with open_run(tmp_path, RUN) as db:
        assert count_generations(db) == 0 and metrics_frame(db).empty and not get_progress(db)


def test_a_new_attempt_forgets_what_came_after_its_checkpoint(
    tmp_path: Path, writer: RunWriter
) -> None:
    for step in (1, 2, 3):
        writer.record_step(train_step(step), max_steps=9)
        writer.add_checkpoint(step=step, resumable=True)
    writer.start_attempt(from_step=1, pid=8)
    writer.record_step(train_step(2), max_steps=9)
    with open_run(tmp_path, RUN) as db:
        assert sorted({g.step for g in list_generations(db)}) == [1, 2]
        assert count_generations(db) == 8
        assert [c.step for c in list_checkpoints(db)] == [1]
        assert [a.from_step for a in list_attempts(db)] == [0, 1]
        assert db.execute("SELECT count(*) FROM scores").fetchone() == (16,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_ids_grow_across_attempts_so_that_polling_misses_nothing(
    tmp_path: Path, writer: RunWriter
) -> None:
    writer.record_step(train_step(1), max_steps=9)
    with open_run(tmp_path, RUN) as db:
        seen = int(metrics_frame(db)["id"].max())
    writer.start_attempt(from_step=0, pid=8)
    writer.record_step(train_step(1), max_steps=9)
    with open_run(tmp_path, RUN) as db:
        fresh = metrics_frame(db, after_id=seen)
        assert list(fresh["name"]) == ["reward", "kl"]  # a gap is stored, too
        assert metrics_frame(db, after_id=int(fresh["id"].max())).empty


def test_phases_are_those_of_the_steps_that_are_asked_for(
    tmp_path: Path, writer: RunWriter
) -> None:
    with open_run(tmp_path, RUN) as db:
        assert get_phase_times(db) is None
    writer.record_step(StepRecord(0, "validation", {}, phases={"validate": 5.0}), max_steps=4)
    for step in (1, 2, 3, 4):
        told = {"validate": 5.0, "sample": 2.0 * step, "update": 1.0 * step}
        writer.record_step(StepRecord(step, "train", {}, phases=told), max_steps=4)
    after = {"validate": 8.0, "sample": 8.0, "update": 4.0, "save": 1.0}
    writer.add_checkpoint(step=4, resumable=True, phases=after)
    with open_run(tmp_path, RUN) as db:
        whole, recent = get_phase_times(db), get_phase_times(db, window=2)
        assert get_phase_times(db, window=9) == whole
        assert phase_totals(db) == after
    assert whole == PhaseTimes(0, 4, after)
    assert recent == PhaseTimes(3, 4, {"sample": 4.0, "update": 2.0, "validate": 3.0, "save": 1.0})
    assert (whole.num_steps, recent.num_steps) == (4, 2)
    assert list(recent.seconds) == ["sample", "update", "validate", "save"]
    assert recent.share("sample") == 0.4

    writer.start_attempt(from_step=2, pid=8)
    with open_run(tmp_path, RUN) as db:
        assert phase_totals(db) == {"validate": 5.0, "sample": 4.0, "update": 2.0}


def test_validation_is_kept_beside_training(tmp_path: Path, writer: RunWriter) -> None:
    writer.record_step(train_step(1), max_steps=9)
    asked = [PromptRecord(0, {"question": "v"}, MESSAGES, "v?")]
    record = StepRecord(1, "validation", {"reward": 0.7}, [generation(0, 0)], asked)
    writer.record_step(record, max_steps=9)
    with open_run(tmp_path, RUN) as db:
        assert last_metrics(db, "validation") == {"reward": 0.7}
        (only,) = list_generations(db, GenerationFilter(split="validation"))
        assert get_prompts(db, {only.prompt_id})[only.prompt_id].row == {"question": "v"}


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (GenerationFilter(), 12),
        (GenerationFilter(step=2), 4),
        (GenerationFilter(flag="odd"), 6),
        (GenerationFilter(text="TEXT 1"), 6),
        (GenerationFilter(text="%"), 0),
        (GenerationFilter(unscored=True), 12),
        (GenerationFilter(min_score=0.5), 6),
        (GenerationFilter(function="format", max_score=0.5), 6),
        (GenerationFilter(function="judge", max_score=1), 0),
        (GenerationFilter(truncated=True), 0),
        (GenerationFilter(step=3, flag="odd", text="text 0"), 1),
        (GenerationFilter(ids=(2, 3, 99)), 2),
        (GenerationFilter(ids=(2, 9), step=1), 1),
    ],
)
def test_filters(tmp_path: Path, writer: RunWriter, wanted: GenerationFilter, count: int) -> None:
    for step in (1, 2, 3):
        writer.record_step(train_step(step), max_steps=9)
    with open_run(tmp_path, RUN) as db:
        assert count_generations(db, wanted) == len(list_generations(db, wanted)) == count


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("straße", [1]),
        ("STRASSE", [1]),  # an ASCII text finds ASCII
        ("ÜBER", [0]),
        ("über", [0]),
        ("привет", [2]),
        ("100%", [3]),
        ("100_", [4]),
        ("a\\b", [5]),
        ("after\0nothing", [6]),
        ("x" * 60_000, [7]),
        ("\ud800", []),
        ("İ", [8]),
    ],
)
def test_text_is_found_whatever_its_case(
    tmp_path: Path, writer: RunWriter, wanted: str, found: list[int]
) -> None:
    texts = [
        "Über", "STRASSE und Straße", "ПРИВЕТ", "100%", "100_", "A\\B", "after\0nothing",
        "X" * 60_000, "İstanbul",
    ]  # fmt: skip
    odd = [generation(0, n, completion=text) for n, text in enumerate(texts)]
    writer.record_step(StepRecord(1, "train", {}, odd, ASKED), max_steps=9)
    with open_run(tmp_path, RUN) as db:
        rows = list_generations(db, GenerationFilter(text=wanted), newest_first=False)
    assert [row.sample_index for row in rows] == found


@pytest.mark.parametrize(
    "wanted",
    [
        GenerationFilter(step=2),
        GenerationFilter(step=2, split="train"),
        GenerationFilter(prompt_id=1),
        GenerationFilter(flag="odd"),
        GenerationFilter(unscored=True),
        GenerationFilter(ids=(1, 2)),
        GenerationFilter(min_score=0.99),
        GenerationFilter(step=2, text="text", flag="odd"),
    ],
)
def test_filters_of_a_long_run_are_served_by_an_index(
    tmp_path: Path, writer: RunWriter, wanted: GenerationFilter
) -> None:
    """Counted in SQLite's own steps, which do not grow with what is not wanted."""
    few, many = 30, 300

    def count_work(db: Database) -> int:
        ticks = 0

        def tick() -> int:
            nonlocal ticks
            ticks += 1
            return 0

        db.conn.set_progress_handler(tick, 10)
        count_generations(db, wanted)
        db.conn.set_progress_handler(None, 10)
        return ticks

    plain = {"scores": {"format": 0.0}, "flags": (), "reward": 0.0, "prompt_position": 1}
    work = []
    writer.record_step(train_step(2), max_steps=many)
    for last in (few, many):
        for step in range(3 if last == few else few + 1, last + 1):
            rows = [generation(0, n, **plain) for n in range(4)]
            writer.record_step(StepRecord(step, "train", {}, rows, ASKED), max_steps=many)
        with open_run(tmp_path, RUN) as db:
            work.append(count_work(db))
    assert work[1] < 2 * work[0] + 2, work


def test_pages_are_complete_in_both_directions(tmp_path: Path, writer: RunWriter) -> None:
    for step in (1, 2, 3):
        writer.record_step(train_step(step), max_steps=9)
    with open_run(tmp_path, RUN) as db:
        ids: list[int] = []
        while page := list_generations(db, limit=5, before_id=ids[-1] if ids else None):
            ids += [g.id for g in page]
        oldest_first = [g.id for g in iterate_generations(db, page=5)]
    assert ids == sorted(oldest_first, reverse=True) and len(ids) == 12


def test_a_group_and_a_prompt_through_time(tmp_path: Path, writer: RunWriter) -> None:
    for step in (1, 2):
        writer.record_step(train_step(step), max_steps=9)
    with open_run(tmp_path, RUN) as db:
        group = get_group(db, split="train", step=2, group_index=1)
        assert [g.completion for g in group] == ["text 1.0", "text 1.1"]
        assert group[1].scores == {"format": 1.0, "judge": None}
        assert group[1].reasons["format"] == "because"
        history = list_prompt_history(db, group[0].prompt_id)
        assert [(g.step, g.sample_index) for g in history] == [(1, 0), (1, 1), (2, 0), (2, 1)]
        assert list_flags(db) == ["odd"]


def test_text_that_sqlite_cannot_hold_is_kept_readable(tmp_path: Path, writer: RunWriter) -> None:
    odd = generation(0, 0, completion="a\ud800b\x00c", reasons={"format": "\udfff"})
    writer.record_step(StepRecord(1, "train", {}, [odd], ASKED), max_steps=9)
    writer.end_attempt("failed", "\ud800")
    with open_run(tmp_path, RUN) as db:
        (stored,) = list_generations(db)
    assert stored.completion == "a?b\x00c" and stored.reasons["format"] == "?"


def test_events_come_newest_first(tmp_path: Path, writer: RunWriter) -> None:
    writer.add_event("note", "one")
    writer.add_event("note", "two")
    with open_run(tmp_path, RUN) as db:
        assert list(events_frame(db)["message"]) == ["two", "one"]


def test_the_last_checkpoints_say_whether_they_resume(tmp_path: Path, writer: RunWriter) -> None:
    writer.add_checkpoint(step=0, resumable=True)
    writer.set_checkpoint_not_resumable(0)
    with open_run(tmp_path, RUN) as db:
        assert [c.resumable for c in list_checkpoints(db)] == [False]


def test_readers_do_not_write_and_do_not_create(tmp_path: Path, writer: RunWriter) -> None:
    with open_run(tmp_path, RUN) as db, pytest.raises(sqlite3.OperationalError):
        db.execute("DELETE FROM attempts")
    with pytest.raises(NotFoundError), open_run(tmp_path, "other"):
        pass
    assert not has_database(tmp_path, "other")
    get_run_db_path(tmp_path, "half").parent.mkdir()
    get_run_db_path(tmp_path, "half").touch()
    assert not has_database(tmp_path, "half")
