"""For every test: one thread per process, no hub, runs folders of its own."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.sandbox.servers import SERVERS

# Two OpenMP threads on two busy cores are several times slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RFT_SPARE_WORKER", "0")  # seconds of work; where it is wanted, it is set
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# A shell has what it starts in its background ignore Ctrl-C, and that would be inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Begun first, so that none of them is what everybody waits for at the end.
LONG_FILES = {"tests/test_worker.py", "tests/experiments/test_running.py"}
BROWSERS = 2  # at work at once: with more of them on two cores, all wait for each other


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays in one process, and the files with a browser share a few processes."""
    files = list(dict.fromkeys(item.path for item in items if item.get_closest_marker("browser")))
    browsers = {path: f"browser-{at % BROWSERS}" for at, path in enumerate(files)}
    for item in items:
        group = browsers.get(item.path, item.location[0])
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path not in browsers and item.location[0] not in LONG_FILES)


@pytest.fixture(autouse=True)
def _never_the_real_runs_folder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A test that forgets to choose a runs folder gets an empty one, not the user's."""
    folder = tmp_path_factory.mktemp("runs")
    monkeypatch.setenv("RFT_RUNS_DIR", str(folder))
    return folder


@pytest.fixture(scope="module", autouse=True)
def _what_is_loaded_is_no_garbage() -> None:
    """Trainers collect garbage at every start and end: half a second each over all libraries."""
    gc.freeze()


@pytest.fixture
def fresh_servers() -> Iterator[None]:
    """For tests that make servers fail, or look at what is left of them: none but their own."""
    SERVERS.close()
    SERVERS.note_success()
    yield
    SERVERS.close()
    SERVERS.note_success()
