"""For every test: one thread per process, no hub, and runs folders of its own."""

import os
from pathlib import Path

import pytest

# Two OpenMP threads on two busy cores are several times slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


@pytest.fixture(autouse=True)
def _never_the_real_runs_folder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A test that forgets to choose a runs folder gets an empty one, not the user's."""
    folder = tmp_path_factory.mktemp("runs")
    monkeypatch.setenv("RFT_RUNS_DIR", str(folder))
    return folder
