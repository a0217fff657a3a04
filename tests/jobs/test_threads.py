"""How many threads a run computes with: chosen at launch, kept for good, and obeyed."""

import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from rft_core import hardware
from rft_core.config import RunConfig
from rft_core.jobs.launcher import launch
from rft_core.jobs.pinning import pin_threads
from rft_core.model_files import ModelSummary
from rft_core.planning import threads
from rft_core.planning.threads import choose_threads
from rft_core.store.index import open_index
from rft_core.store.runs import get_run
from tests.runs_folder import WORKER, RunsFolder
from tests.tiny_model import make_tiny_model
from tests.tiny_run import add_tiny_run, live_in_process


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Eight cores, of which one is busy; nothing is set from outside.

    A minute ago they all were: what did that has ended, or was the dashboard's own start.
    """
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (8.0, 8.0, 8.0))
    monkeypatch.setattr(threads, "measure_busy_cores", lambda seconds: 1.2)
    here = threads.get_hardware()
    monkeypatch.setattr(threads, "get_hardware", lambda: replace(here, cores=8))
    return monkeypatch


def make_model(parameters: int) -> ModelSummary:
    return ModelSummary("m", "A", parameters, None, 1, 1, 1, 1, ())


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("parameters", "max_runs", "expected"),
    [(5_000_000, 1, 1), (135_000_000, 1, 7), (135_000_000, 2, 4), (135_000_000, 20, 1)],
)
def test_large_models_get_their_share_of_the_cores_as_far_as_they_are_idle(
    parameters: int, max_runs: int, expected: int
) -> None:
    assert choose_threads(make_model(parameters), max_runs=max_runs) == expected


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("busy", "max_runs", "expected"),
    [(0.1, 2, 4), (4.1, 2, 4), (3.0, 2, 4), (5.9, 2, 2), (2.0, 1, 6), (30.0, 1, 1)],
    ids=["first run", "second run", "another program", "both", "alone", "overloaded"],
)
def test_what_is_busy_is_taken_from_the_cores_and_not_from_the_share(
    busy: float, max_runs: int, expected: int
) -> None:
    assert choose_threads(None, max_runs=max_runs, read_busy=lambda seconds: busy) == expected


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("model", "max_runs"), [(5_000_000, 1), (135_000_000, 5)])
def test_nothing_is_measured_where_there_can_be_but_one(model: int, max_runs: int) -> None:
    def measure(seconds: float) -> float:
        raise AssertionError("a launch waits for this")

    assert choose_threads(make_model(model), max_runs=max_runs, read_busy=measure) == 1


def test_our_own_process_is_not_what_keeps_cores_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cores 1 and 3 are ours to use, busy for nine tenths and for a fifth; half a core is we."""
    own = iter([10.0, 10.0 + 0.5 * 0.25])
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 3})
    monkeypatch.setattr(hardware, "_cpu_seconds", lambda process: next(own))
    monkeypatch.setattr(psutil, "cpu_percent", lambda seconds, percpu: [100.0, 90.0, 100.0, 20.0])
    assert hardware.measure_busy_cores(0.25) == pytest.approx(0.9 + 0.2 - 0.5)


@pytest.mark.usefixtures("machine")
def test_a_model_to_download_counts_as_large() -> None:
    assert choose_threads(None) == 7


@pytest.mark.parametrize(("text", "expected"), [("3", 3), ("4,2", 4), ("0", 1), ("many", 1)])
def test_what_is_set_outside_decides(machine: pytest.MonkeyPatch, text: str, expected: int) -> None:
    machine.setenv("OMP_NUM_THREADS", text)
    assert choose_threads(make_model(1)) == expected


def test_a_number_that_was_given_stays(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("OMP_NUM_THREADS", "3")
    assert pin_threads(RunConfig(), 1).num_threads == 3
    assert pin_threads(RunConfig(num_threads=5), 1).num_threads == 5


def test_the_worker_computes_with_as_many(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    add_tiny_run(tmp_path, make_tiny_model(tmp_path / "model"), num_threads=before + 1, max_steps=1)
    try:
        assert live_in_process(tmp_path).outcome == "finished"
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_a_launch_pins_it_and_a_worker_shares_its_freed_memory(
    folder: RunsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    folder.start_supervisor()
    run = launch(folder.path, RunConfig(name="endless", num_prompts=8, num_validation_prompts=2))
    folder.await_step(run, 1)
    with open_index(folder.path) as index:
        assert get_run(index, run).config.num_threads == 3
    (worker,) = folder.find_processes(WORKER)
    assert worker.environ()["MALLOC_ARENA_MAX"] == "2"
