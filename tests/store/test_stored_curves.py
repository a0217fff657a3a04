"""Curves of a long run come whole from its columns, and are those that its rows would make."""

import math
import random
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from rft_core.figures import Curves, add_stored_curves, extend_curves
from rft_core.paths import get_run_db_path
from rft_core.store.columns.building import build_columns
from rft_core.store.columns.curve_blocks import CURVE_ROWS, read_stored_curves
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.store.sqlite.without_pandas import Database

RUN = "a-run"
NAMES = [f"m{at}" for at in range(60)]
STEPS = 2 * CURVE_ROWS // len(NAMES) + 20


def write(writer: RunWriter, first: int, last: int, seed: int = 0) -> None:
    rng = random.Random(f"{seed}-{first}")
    for step in range(first, last + 1):
        values = {name: rng.choice((rng.random(), math.inf)) for name in NAMES}
        if step % 3 == 0:
            values["rare"] = 1.0 * step
        record = StepRecord(step, "train", values, elapsed=2.5 * step, tokens=7 * step)
        writer.record_step(record, max_steps=STEPS)
        if step % 50 == 0:
            writer.record_step(StepRecord(step, "validation", {"m0": 0.5}), max_steps=STEPS)


@pytest.fixture
def writer(tmp_path: Path) -> RunWriter:
    writer = RunWriter(tmp_path, RUN)
    writer.start_attempt(from_step=0, pid=1)
    write(writer, 1, STEPS)
    build_columns(tmp_path, RUN)
    return writer


def read_in_columns(db: Database) -> tuple[int, Curves]:
    last_id, stored = read_stored_curves(db)
    arrays = {(c.split, c.name): (c.step, c.elapsed, c.tokens, c.value) for c in stored}
    curves = add_stored_curves(Curves(), arrays, last_id)
    return last_id, extend_curves(curves, metrics_frame(db, after_id=curves.last_id))


def check_curves(runs_dir: Path) -> int:
    """The last row that stands in columns."""
    with open_run(runs_dir, RUN) as db:
        last_id, found = read_in_columns(db)
        expected = extend_curves(Curves(), metrics_frame(db))
    assert found.by_key.keys() == expected.by_key.keys() and found.last_id == expected.last_id
    for key, curve in expected.by_key.items():
        for part in ("step", "minutes", "tokens", "value"):
            np.testing.assert_array_equal(
                getattr(found.by_key[key], part), getattr(curve, part), err_msg=f"{key} {part}"
            )
    return last_id


def test_curves_in_columns_are_those_of_the_rows(tmp_path: Path, writer: RunWriter) -> None:
    assert check_curves(tmp_path) > CURVE_ROWS
    with open_run(tmp_path, RUN) as db:
        _, found = read_in_columns(db)
    shared = {id(found.by_key["train", name].step) for name in NAMES}
    assert len(shared) == 1  # a hundred thousand steps are held once


def test_rows_in_any_order_are_all_read(tmp_path: Path) -> None:
    """As a database might have them that others wrote: one metric after the other."""
    writer = RunWriter(tmp_path, RUN)
    writer.start_attempt(from_step=0, pid=1)
    writer.close()
    steps = CURVE_ROWS // 3
    rows = [(s, "train", name, s / 7) for name in "abcdefg" for s in range(1, steps + 1)]
    with sqlite3.connect(get_run_db_path(tmp_path, RUN)) as db:
        db.executemany("INSERT INTO metrics (step, split, name, value) VALUES (?, ?, ?, ?)", rows)
    db.close()
    build_columns(tmp_path, RUN)
    assert check_curves(tmp_path) > 2 * CURVE_ROWS - 9


def test_curves_follow_a_resume_at_once(tmp_path: Path, writer: RunWriter) -> None:
    whole = check_curves(tmp_path)
    writer.start_attempt(from_step=STEPS // 2 + 20, pid=2)
    kept = check_curves(tmp_path)
    assert 0 < kept < whole
    write(writer, STEPS // 2 + 21, STEPS, seed=1)
    writer.record_step(StepRecord(50, "validation", {"m0": 0.7}), max_steps=STEPS)  # made again
    check_curves(tmp_path)
    build_columns(tmp_path, RUN)
    assert check_curves(tmp_path) > kept
