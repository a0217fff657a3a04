"""A fork server that cannot start, fork or answer leaves nothing open, and mixes nothing up."""

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rft_core.sandbox import fork_server, tiers
from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import InfrastructureError

OPEN = Path("/proc/self/fd")
NONE_INSIDE: tuple[str, ...] = ()


def list_open() -> set[str]:
    """What descriptors of this process lead to."""
    found = set()
    for link in OPEN.iterdir():
        try:
            found.add(f"{link.name} {link.readlink()}")
        except FileNotFoundError:  # the one that listed them
            continue
    return found


@contextmanager
def few_descriptors(spare: int) -> Iterator[None]:
    """At most so many more than now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = {int(link.name) for link in OPEN.iterdir()}
    free = [fd for fd in range(max(used) + spare + 2) if fd not in used]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[spare], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def server() -> Iterator[ForkServer]:
    opened = ForkServer(bubblewrap=False)
    yield opened
    opened.close()


@pytest.mark.parametrize("spare", range(1, 9))
def test_a_server_that_cannot_start_leaves_no_descriptor_and_no_folder(
    spare: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(fork_server, "_compile_ourselves", lambda: None)
    before = list_open()
    try:
        with few_descriptors(spare):
            ForkServer(bubblewrap=False).close()
    except (InfrastructureError, OSError):
        pass
    assert list_open() == before
    assert all(not list(folder.glob("server.log")) for folder in tmp_path.iterdir())


@pytest.mark.parametrize("spare", range(8))
def test_a_process_that_cannot_be_forked_leaves_no_descriptor_and_no_folder(
    server: ForkServer, spare: int
) -> None:
    server.end(server.spawn(Limits(), NONE_INSIDE))
    before = list_open()
    with few_descriptors(spare), pytest.raises(InfrastructureError):
        server.spawn(Limits(), NONE_INSIDE)
    assert list_open() == before
    server.cells.chmod(0o700)
    assert list(server.cells.iterdir()) == []


def test_an_answer_that_comes_late_is_taken_for_no_other_question(
    server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fork_server, "ANSWER_SECONDS", 0.2)
    server.end(server.spawn(Limits(), NONE_INSIDE))
    os.kill(server.pid, signal.SIGSTOP)
    with pytest.raises(InfrastructureError, match="does not answer"):
        server._ask({"import": "json"}, [], 0.2)
    os.kill(server.pid, signal.SIGCONT)
    time.sleep(0.5)  # the late answer lies there now
    with pytest.raises(InfrastructureError, match="does not answer"):
        server._ask({"import": "json"}, [])


def test_trials_that_fail_in_any_way_close_their_server(
    server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(tiers, "try_layer", fail)
    with pytest.raises(OSError, match="Too many"):
        tiers._try_layers(server)
    assert not server.is_alive()
