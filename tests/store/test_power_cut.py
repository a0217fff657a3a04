"""A power cut may take any tail of the log that was not synced; never a step for good."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from rft_core.paths import PROJECT_ROOT, get_checkpoints_dir, get_run_db_path
from rft_core.store.run_reader import (
    last_step_without_gap,
    list_checkpoints,
    metrics_frame,
    open_run,
)
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.training.saving.checkpoints import (
    find_damage,
    find_resumable,
    remove_leftovers,
    write_checkpoint,
)

RUN, LAST_STEP, SAVE_STEPS = "a-run", 24, 2
FRAME, HEADER = 4096 + 24, 32  # of SQLite's log


def train(runs_dir: Path, until: int = LAST_STEP) -> None:
    """What a worker does between its start and its end, without a model."""
    folder = get_checkpoints_dir(runs_dir, RUN)
    writer = RunWriter(runs_dir, RUN)
    with open_run(runs_dir, RUN) as db:
        recorded = last_step_without_gap(db)
    found = find_resumable(folder, recorded)
    remove_leftovers(folder, after_step=found.step)
    writer.start_attempt(from_step=found.step, pid=os.getpid())
    for step in range(found.step + 1, until + 1):
        writer.record_step(StepRecord(step, "train", {"reward": float(step)}), max_steps=LAST_STEP)
        if step % SAVE_STEPS == 0:
            writer.make_durable()
            with write_checkpoint(folder, step) as temporary:
                (temporary / "adapter_model.safetensors").write_text(str(step))
            writer.add_checkpoint(step=step, resumable=True)
        print(step, flush=True)
    writer.close()


def train_until_the_power_is_cut(runs_dir: Path, at_step: int, rng: random.Random) -> None:
    """Kill a worker at a step, and cut its log back to what may have reached the disk."""
    code = (
        "import pathlib, sys; from tests.store.test_power_cut import train;"
        "train(pathlib.Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(runs_dir)]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        while worker.stdout.readline() != f"{at_step}\n":
            pass
        worker.send_signal(signal.SIGKILL)
    path = get_run_db_path(runs_dir, RUN)
    log = path.with_name("run.db-wal")
    path.with_name("run.db-shm").unlink(missing_ok=True)
    content = log.read_bytes()
    frames = max(0, len(content) - HEADER) // FRAME
    log.write_bytes(content[: HEADER + FRAME * rng.randint(0, frames)])


@pytest.mark.parametrize("cut", range(6))
def test_no_step_is_missing_after_a_power_cut(tmp_path: Path, cut: int) -> None:
    rng = random.Random(cut)
    train_until_the_power_is_cut(tmp_path, rng.randint(9, 20), rng)
    folder = get_checkpoints_dir(tmp_path, RUN)
    newest = max(int(path.name.removeprefix("step-")) for path in folder.glob("step-*"))
    with open_run(tmp_path, RUN) as db:
        assert last_step_without_gap(db) >= newest  # the record was on disk first
    train(tmp_path)
    assert_whole(tmp_path)


def test_a_record_that_lost_more_than_its_checkpoints_is_made_whole_again(tmp_path: Path) -> None:
    """Also what an earlier version left, which synced the checkpoints alone."""
    train(tmp_path, until=12)
    db = sqlite3.connect(get_run_db_path(tmp_path, RUN))
    for table in ("steps", "metrics", "checkpoints"):
        db.execute(f"DELETE FROM {table} WHERE step > 7")
    db.commit()
    db.close()
    train(tmp_path)
    assert_whole(tmp_path)
    with open_run(tmp_path, RUN) as reader:
        (event,) = reader.execute("SELECT message FROM events").fetchall()
    assert event[0] == "Goes on from step 6; step 7 is made again"
    aside = sorted(p.name for p in get_checkpoints_dir(tmp_path, RUN).glob("aside-*"))
    assert aside == ["aside-step-10-1", "aside-step-12-1", "aside-step-8-1"]


def test_a_hole_in_the_record_is_filled(tmp_path: Path) -> None:
    train(tmp_path, until=20)
    db = sqlite3.connect(get_run_db_path(tmp_path, RUN))
    for table in ("steps", "metrics"):
        db.execute(f"DELETE FROM {table} WHERE step BETWEEN 7 AND 10")
    db.commit()
    db.close()
    with open_run(tmp_path, RUN) as reader:
        assert last_step_without_gap(reader) == 6
    train(tmp_path)
    assert_whole(tmp_path)


def test_a_young_run_that_lost_its_whole_record_begins_again(tmp_path: Path) -> None:
    train(tmp_path, until=4)
    get_run_db_path(tmp_path, RUN).write_bytes(b"")
    train(tmp_path)
    assert_whole(tmp_path)


def test_the_record_is_durable_while_somebody_reads(tmp_path: Path) -> None:
    """A reader keeps the log from being emptied; then it is synced as it is."""
    writer = RunWriter(tmp_path, RUN)
    writer.start_attempt(from_step=0, pid=1)
    with open_run(tmp_path, RUN) as db:
        db.execute("BEGIN")
        metrics_frame(db)
        writer.record_step(StepRecord(1, "train", {"reward": 1.0}), max_steps=9)
        writer.make_durable()
        assert writer._db.execute("PRAGMA synchronous").fetchone() == (1,)
    writer.close()


def assert_whole(runs_dir: Path) -> None:
    with open_run(runs_dir, RUN) as db:
        steps = [row[0] for row in db.execute("SELECT step FROM steps ORDER BY step")]
        assert steps == list(range(1, LAST_STEP + 1))
        assert list(metrics_frame(db)["value"].sort_values()) == [float(step) for step in steps]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        listed = [c.step for c in list_checkpoints(db)]
    assert listed == list(range(SAVE_STEPS, LAST_STEP + 1, SAVE_STEPS))
    folder = get_checkpoints_dir(runs_dir, RUN)
    assert [find_damage(folder / f"step-{step}") for step in listed] == [""] * len(listed)
    assert [json.loads((folder / f"step-{s}/manifest.json").read_text())["step"] for s in listed]
