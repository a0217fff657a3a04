"""A worker that is allowed too little memory says so, and goes on when it is allowed more."""

import resource
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rft_core.paths import get_worker_log_path
from rft_core.store.commands import add_command, list_commands, set_command_handled
from rft_core.store.index import open_index
from rft_core.store.run_reader import get_progress, has_database, list_attempts, open_run
from rft_core.store.state.status import RunStatus, get_run_status
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

MUCH = {"per_device_train_batch_size": 512, "max_completion_length": 64, "save_steps": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "runs"
    kill_workers()


def ask(runs_dir: Path, kind: str) -> None:
    with open_index(runs_dir) as index:
        add_command(index, id=kind, kind=kind, run="tiny")
        set_command_handled(index, kind)


def read_status(runs_dir: Path) -> RunStatus:
    with open_index(runs_dir) as index:
        assert list_commands(index)
        return get_run_status(index, runs_dir, "tiny")


def is_training(runs_dir: Path) -> bool:
    if not has_database(runs_dir, "tiny"):
        return False
    with open_run(runs_dir, "tiny") as db:
        progress = get_progress(db)
    return progress is not None and progress.phase == "training"


def test_memory_that_runs_out_in_a_step_is_told_and_the_run_goes_on_with_more(
    model: Path, runs_dir: Path
) -> None:
    config = add_tiny_run(runs_dir, model, **MUCH, max_steps=8, eval_steps=8)
    ask(runs_dir, "launch")
    worker = start_worker(runs_dir)
    await_truth(lambda: read_step(runs_dir) >= 1, "a first step")
    worker_now = psutil.Process(worker.pid)
    worker_now.suspend()
    allowed = worker_now.memory_info().rss  # of address space: less than it has mapped already
    resource.prlimit(worker.pid, resource.RLIMIT_AS, (allowed, resource.RLIM_INFINITY))
    worker_now.resume()
    assert worker.wait(timeout=120) == 1, get_worker_log_path(runs_dir, "tiny").read_text()
    status = read_status(runs_dir)
    assert status.state == "failed" and status.is_resumable
    assert status.message.startswith("Out of memory")
    assert "per_device_train_batch_size" in status.message

    ask(runs_dir, "resume")
    assert start_worker(runs_dir).wait(timeout=120) == 0
    assert read_status(runs_dir).state == "finished"
    assert read_counts(runs_dir) == expected_counts(config)
    with open_run(runs_dir, "tiny") as db:
        first, second = list_attempts(db)
    assert (first.outcome, second.outcome) == ("failed", "finished")
    assert second.from_step >= 1  # what was saved was kept


@pytest.mark.parametrize("megabytes", [1500, 500])
def test_memory_that_runs_out_while_loading_is_told(
    model: Path, runs_dir: Path, megabytes: int
) -> None:
    add_tiny_run(runs_dir, model)
    ask(runs_dir, "launch")
    worker = start_worker(runs_dir, under=f"ulimit -v {megabytes * 1024}")
    assert worker.wait(timeout=120) == 1, get_worker_log_path(runs_dir, "tiny").read_text()
    status = read_status(runs_dir)
    assert status.state == "failed" and status.message.startswith("Out of memory")
