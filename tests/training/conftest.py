"""A tiny model on disk and an empty runs folder, for trainings that take a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_model import make_tiny_model


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """As in the worker: a second thread only waits while anything else runs."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny-model"))


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def train_ppo(tiny_model: Path, runs_dir: Path) -> Callable[..., Any]:
    """A finished run of PPO; its metrics of training, step by name."""

    def run(name: str = "ppo", *, model: Path = tiny_model, **settings: Any) -> Any:
        quick = {"method": "ppo", "max_steps": 4, "eval_steps": 0, "save_steps": 0}
        from tests.tiny_run import add_tiny_run, live_in_process
        from tests.training.test_methods import read_metrics

        add_tiny_run(runs_dir, model, name, **{**quick, **settings})
        assert live_in_process(runs_dir, name).outcome == "finished"
        return read_metrics(runs_dir, name).loc["train"]

    return run
