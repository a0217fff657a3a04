"""The real worker in a process of its own: ended, stopped, killed, and started again."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rft_core.errors import BadInputError
from rft_core.paths import (
    get_adapter_dir,
    get_checkpoints_dir,
    get_heartbeat_path,
    get_worker_lock_path,
    get_worker_log_path,
)
from rft_core.store.run_reader import (
    WorkerLife,
    get_progress,
    has_database,
    list_attempts,
    open_run,
    training_seconds,
)
from rft_core.store.state.run_lock import is_locked
from rft_core.training.saving.checkpoints import find_resumable
from rft_core.worker import explain_failure
from tests.tiny_model import make_tiny_model
from tests.tiny_run import (
    add_tiny_run,
    await_truth,
    expected_counts,
    kill_workers,
    read_counts,
    read_step,
    start_worker,
)

MANY_STEPS = {"max_steps": 60, "eval_steps": 20, "save_steps": 7}


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "runs"
    kill_workers()


def read_attempts(runs_dir: Path) -> list[WorkerLife]:
    if not has_database(runs_dir, "tiny"):
        return []
    with open_run(runs_dir, "tiny") as db:
        return list_attempts(db)


def read_log(runs_dir: Path) -> str:
    return get_worker_log_path(runs_dir, "tiny").read_text()


def finish(worker: subprocess.Popen[bytes], runs_dir: Path) -> None:
    assert worker.wait(timeout=120) == 0, read_log(runs_dir)


def test_stop_and_resume_lose_and_repeat_nothing(tiny_model: Path, runs_dir: Path) -> None:
    config = add_tiny_run(runs_dir, tiny_model, **MANY_STEPS)
    worker = start_worker(runs_dir)
    await_truth(lambda: read_step(runs_dir) >= 10, "ten steps")
    assert is_locked(get_worker_lock_path(runs_dir, "tiny"))
    assert get_heartbeat_path(runs_dir, "tiny").exists()
    worker.send_signal(signal.SIGTERM)
    finish(worker, runs_dir)
    stopped_at = read_step(runs_dir)
    assert 10 <= stopped_at < config.max_steps
    assert find_resumable(get_checkpoints_dir(runs_dir, "tiny")).step == stopped_at
    assert not is_locked(get_worker_lock_path(runs_dir, "tiny"))
    with open_run(runs_dir, "tiny") as db:
        spent = training_seconds(db)

    finish(start_worker(runs_dir), runs_dir)
    assert [(a.from_step, a.outcome) for a in read_attempts(runs_dir)] == [
        (0, "stopped"),
        (stopped_at, "finished"),
    ]
    assert read_counts(runs_dir) == expected_counts(config)
    assert (get_adapter_dir(runs_dir, "tiny") / "adapter_model.safetensors").exists()
    with open_run(runs_dir, "tiny") as db:
        assert training_seconds(db) > spent


def test_kill_9_and_resume_lose_and_repeat_nothing(tiny_model: Path, runs_dir: Path) -> None:
    config = add_tiny_run(runs_dir, tiny_model, **MANY_STEPS)
    for target in (9, 30):  # the first time between two checkpoints
        worker = start_worker(runs_dir)
        await_truth(lambda target=target: read_step(runs_dir) >= target, f"step {target}")
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        assert not is_locked(get_worker_lock_path(runs_dir, "tiny"))
    finish(start_worker(runs_dir), runs_dir)
    attempts = read_attempts(runs_dir)
    assert [attempt.outcome for attempt in attempts] == [None, None, "finished"]
    assert [attempt.from_step % 7 for attempt in attempts] == [0, 0, 0]
    assert attempts[-1].from_step >= 28
    assert read_counts(runs_dir) == expected_counts(config)


def test_a_stop_while_loading_ends_at_once(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(runs_dir, tiny_model)
    worker = start_worker(runs_dir)
    await_truth(lambda: read_attempts(runs_dir), "an attempt")
    with open_run(runs_dir, "tiny") as db:
        progress = get_progress(db)
    assert progress is None or progress.phase == "loading"
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=30) == 0, read_log(runs_dir)
    (attempt,) = read_attempts(runs_dir)
    assert attempt.outcome == "stopped"
    assert read_step(runs_dir) == 0


def test_a_model_that_cannot_be_loaded_is_a_failure_with_a_reason(runs_dir: Path) -> None:
    add_tiny_run(runs_dir, runs_dir / "no-such-folder")
    worker = start_worker(runs_dir)
    assert worker.wait(timeout=120) == 1
    (attempt,) = read_attempts(runs_dir)
    assert attempt.outcome == "failed"
    assert "no-such-folder" in (attempt.message or "")
    assert "Traceback" in read_log(runs_dir)


def test_an_unknown_run_is_refused_in_one_line(runs_dir: Path) -> None:
    worker = start_worker(runs_dir)
    assert worker.wait(timeout=60) == 2
    assert read_log(runs_dir).count("\n") == 1
    assert "There is no run 'tiny'" in read_log(runs_dir)


def test_a_run_has_one_worker_at_a_time(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(runs_dir, tiny_model, max_steps=10_000, eval_steps=0)
    first = start_worker(runs_dir)
    await_truth(lambda: read_step(runs_dir) >= 1, "a first step")
    assert start_worker(runs_dir).wait(timeout=60) == 2
    assert len(read_attempts(runs_dir)) == 1
    first.send_signal(signal.SIGTERM)
    finish(first, runs_dir)


def test_running_out_of_memory_is_told_in_plain_words() -> None:
    for error in (MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB\nmore")):
        message = explain_failure(error)
        assert message.startswith("Out of memory")
        assert "per_device_train_batch_size" in message
        assert "\n" not in message
    assert explain_failure(ValueError("odd")) == "ValueError: odd"


def test_want_of_memory_is_named_whatever_a_library_took_it_for() -> None:
    for first in (
        RuntimeError("can't start new thread"),
        OSError(12, "Cannot allocate memory"),
        ImportError("libtorch.so: failed to map segment from shared object"),
    ):
        try:
            try:
                raise first
            except Exception as error:
                raise BadInputError("The tokenizer could not be loaded", str(error)) from error
        except BadInputError as error:
            assert explain_failure(error).startswith(f"Out of memory ({first}).")
    assert explain_failure(BadInputError("Not allowed to allocate memory")) == (
        "Not allowed to allocate memory."
    )


def test_a_worker_whose_folder_is_moved_ends_with_a_word(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(runs_dir, tiny_model, max_steps=10_000, eval_steps=0)
    worker = start_worker(runs_dir)
    await_truth(lambda: read_step(runs_dir) >= 1, "a first step")
    moved = runs_dir.with_name("moved")
    runs_dir.rename(moved)
    assert worker.wait(timeout=120) == 0, read_log(moved)
    (attempt,) = read_attempts(moved)
    assert attempt.outcome == "stopped" and "moved or deleted" in (attempt.message or "")
    assert not runs_dir.exists()


def test_a_full_disk_needs_attention_and_then_a_resume(tiny_model: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(disk)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a disk of its own")
    try:
        config = add_tiny_run(disk, tiny_model, max_steps=60, eval_steps=20, save_steps=7)
        worker = start_worker(disk)
        await_truth(lambda: read_step(disk) >= 9, "nine steps")
        worker.send_signal(signal.SIGSTOP)  # so that the disk fills in the midst of its work
        ballast = fill(disk)
        worker.send_signal(signal.SIGCONT)
        assert worker.wait(timeout=120) == 0, read_log(disk)
        (attempt,) = read_attempts(disk)
        message = attempt.message or ""
        assert attempt.outcome == "needs_attention"
        assert "disk is full" in message and str(disk) in message and "Free some space" in message
        read_counts(disk)  # the record is whole
        ballast.unlink()
        finish(start_worker(disk), disk)
        assert read_counts(disk) == expected_counts(config)
        assert [a.outcome for a in read_attempts(disk)] == ["needs_attention", "finished"]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte; the file that took them."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    assert shutil.disk_usage(disk).free == 0
    return ballast
