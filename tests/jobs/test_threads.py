"""How many threads a run computes with: chosen at launch, kept for good, and obeyed."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

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
    """Eight cores, of which one is busy; nothing is set from outside."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (1.2, 0.0, 0.0))
    hardware = threads.get_hardware()
    monkeypatch.setattr(threads, "get_hardware", lambda: replace(hardware, cores=8))
    return monkeypatch


def make_model(parameters: int) -> ModelSummary:
    return ModelSummary("m", "A", parameters, None, 1, 1, 1, 1, ())


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("parameters", "max_runs", "expected"),
    [(5_000_000, 1, 1), (135_000_000, 1, 7), (135_000_000, 2, 3), (135_000_000, 20, 1)],
)
def test_large_models_share_the_cores_that_are_idle(
    parameters: int, max_runs: int, expected: int
) -> None:
    assert choose_threads(make_model(parameters), max_runs=max_runs) == expected


def test_a_busy_machine_leaves_one_and_a_model_to_download_counts_as_large(
    machine: pytest.MonkeyPatch,
) -> None:
    assert choose_threads(None) == 7
    machine.setattr(os, "getloadavg", lambda: (30.0, 0.0, 0.0))
    assert choose_threads(None) == 1


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
