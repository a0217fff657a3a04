"""For every test: one thread per process, no hub, runs folders of its own, one sandbox for all."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_core.sandbox import executor, local
from rft_core.sandbox.servers import Servers

# Two OpenMP threads on two busy cores are several times slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# A shell has what it starts in its background ignore Ctrl-C, and that would be inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _never_the_real_runs_folder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A test that forgets to choose a runs folder gets an empty one, not the user's."""
    folder = tmp_path_factory.mktemp("runs")
    monkeypatch.setenv("RFT_RUNS_DIR", str(folder))
    return folder


class _Lent:
    """The session's fork servers, for a user of the sandbox that would close its own."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._servers, name)

    def close(self) -> None:
        """They stay for the next one."""


@pytest.fixture(scope="session")
def _fork_servers() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture(scope="module", autouse=True)
def _one_sandbox_for_all(request: pytest.FixtureRequest, _fork_servers: Servers) -> Iterator[None]:
    """Every scorer of this process forks from the same servers; candidates stay apart as ever.

    Starting servers, torch's above all, took more time than most tests. The sandbox's own tests
    start and end theirs, and so does whoever sets `OWN_SANDBOX` in a test module.
    """
    is_about_it = request.path.parent.name == "sandbox"
    if is_about_it or getattr(request.module, "OWN_SANDBOX", False):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        for user in (executor, local):
            patch.setattr(user, "Servers", lambda: _Lent(_fork_servers))
        yield
