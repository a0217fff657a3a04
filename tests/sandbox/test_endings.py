"""Whatever is killed, and however: nothing of the sandbox outlives it or is left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import InfrastructureError
from rft_core.sandbox.tiers import inspect

PARENT_WITH_A_FORK = """
import os, time
from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.jail.limits import Limits
server = ForkServer(bubblewrap=BUBBLEWRAP)
process = server.spawn(Limits())
fork = os.fork()
if fork == 0:
    time.sleep(600)
print(server.pid, fork, flush=True)
time.sleep(600)
"""


@pytest.fixture(params=[True, False], ids=["with bubblewrap", "without"])
def bubblewrap(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def server(bubblewrap: bool) -> Iterator[ForkServer]:
    try:
        server = ForkServer(bubblewrap=bubblewrap)
    except InfrastructureError as error:
        pytest.skip(f"bwrap does not work here: {error}")
    yield server
    server.close()


def test_a_fork_of_a_killed_parent_that_holds_every_descriptor_keeps_no_server_alive(
    bubblewrap: bool,
) -> None:
    program = PARENT_WITH_A_FORK.replace("BUBBLEWRAP", str(bubblewrap))
    command = [sys.executable, "-c", program]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    line = parent.stdout.readline().split()
    if not line:
        pytest.skip("bwrap does not work here")
    server, fork = psutil.Process(int(line[0])), psutil.Process(int(line[1]))
    processes = [server, *server.children(recursive=True)]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    try:
        _, alive = psutil.wait_procs(processes, timeout=5)
        assert alive == [] and fork.is_running()
    finally:
        fork.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_what_a_fork_server_spawned_ends_with_it(server: ForkServer, how: int) -> None:
    """A stopped one answers nobody: closing it ends it all the same."""
    before = psutil.Process().num_fds()
    spawned = [server.spawn(Limits()) for _ in range(3)]
    itself = psutil.Process(server.pid)
    processes = [itself, *itself.children(recursive=True)]
    itself_inside = max(processes, key=lambda process: len(process.children()))
    os.kill(itself_inside.pid, how)
    if how == signal.SIGKILL:
        for process in spawned:
            with pytest.raises(InfrastructureError):
                server.end(process)
        assert psutil.Process().num_fds() == before
    server.close()
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == [] and not server.folder.exists()


def test_a_process_whose_files_are_private_can_use_the_sandbox() -> None:
    """Bubblewrap and the scratch folders make places that other users must pass through."""
    expected = inspect().tier
    before = os.umask(0o077)
    try:
        report = inspect()
    finally:
        os.umask(before)
    assert report.tier == expected, report.missing
