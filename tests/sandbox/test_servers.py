"""The fork servers of a process: shared by all in it, replaced when they fail, gone with it."""

import json
import os
import statistics
import subprocess
import sys
import time

import psutil
import pytest

from rft_core.sandbox import servers, tiers
from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.kept_session import KeptSession
from rft_core.sandbox.outcome import InfrastructureError, Outcome, SandboxRefusedError
from rft_core.sandbox.pool import ATTEMPTS
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.servers import SERVERS
from rft_core.sandbox.session import JailedProgram
from tests.sandbox.programs import RewardDoor


@pytest.fixture
def executor():
    with RewardDoor() as executor:
        yield executor


def call(executor: RewardDoor, expression: str, timeout: float = 5.0):
    """One call whose only score reports the value of an expression."""
    source = (
        "import os, sys, socket, resource\n"
        "def f(completions, log_extra):\n"
        f"    log_extra('value', [{expression}])\n"
        "    return [0.0]\n"
    )
    keywords = {"completions": ["x"]}
    return executor.call(source, "f", keywords, timeout)


def value(executor: RewardDoor, expression: str) -> str:
    result = call(executor, f"str({expression})")
    assert result.failure is None, result.failure
    return result.extras["value"][0]


def run(executor: RewardDoor, body: str, timeout: float = 5.0):
    """One call of a function that is more than an expression."""
    source = f"import os, sys\ndef f(completions):\n    {body}\n    return [0.0]\n"
    return executor.call(source, "f", {"completions": ["x"]}, timeout)


def find_server() -> ForkServer:
    with SERVERS.borrow(ServerKind.PYTHON) as tried:
        return tried.server


def find_server_process() -> psutil.Process:
    return psutil.Process(find_server().pid)


def test_nothing_outlives_a_killed_parent(tmp_path):
    program = (
        "from rft_core.rewards.jailed.user_function import SourceProcess\n"
        "process = SourceProcess('def f(completions):\\n    while True: pass')\n"
        "process.load(10)\n"
        "print(process._session._open[0].server.pid, flush=True)\n"
        "process.call('f', {'completions': ['x'], 'global_step': None}, 60)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    server = psutil.Process(int(parent.stdout.readline()))
    processes = [server, *server.children(recursive=True)]
    assert len(processes) >= 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []


def test_closing_leaves_no_process(executor):
    server = find_server_process()
    value(executor, "1")
    processes = [server, *server.children(recursive=True)]
    executor.close()
    SERVERS.close()
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []


def test_many_calls_leak_no_descriptor_and_no_folder(executor):
    run(executor, "pass")
    before = psutil.Process().num_fds()
    for number in range(30):
        run(executor, f"os._exit({number})")
    assert psutil.Process().num_fds() == before
    assert len(list(find_server().cells.iterdir())) <= 2  # the idle one's, and the probes'


@pytest.mark.usefixtures("fresh_servers")
def test_below_the_last_tier_code_is_refused_and_graders_of_ours_run_and_are_killed(monkeypatch):
    monkeypatch.setattr(tiers, "get_tier", lambda held: None)
    ours = KeptSession(JailedProgram(ServerKind.GRADERS, "rft_core.rewards.text.pattern"))
    quick = {"batch": '[["x", null]]', "options": {"pattern": "x"}}
    slow = {"batch": json.dumps([["a" * 50 + "b", None]] * 999), "options": {"pattern": "(a|a)+$"}}
    with RewardDoor() as executor:
        for _ in range(2):  # also where a server for our own graders runs by now
            failure = run(executor, "pass").failure
            assert failure and failure.kind == "unusable" and not failure.ours
            assert "cannot be locked in" in failure.message
            with pytest.raises(SandboxRefusedError):
                assert SERVERS.tier
            assert ours.call("grade_batch", quick, 5).value == [(1.0, "It matches.", "")]
        with SERVERS.borrow(ServerKind.GRADERS) as tried:
            server = psutil.Process(tried.server.pid)
        [child] = server.children()
        assert ours.call("grade_batch", slow, 0.2).outcome is Outcome.TIMEOUT
        assert not child.is_running()
    ours.close()
    SERVERS.close()
    assert not server.is_running()


@pytest.mark.usefixtures("fresh_servers")
def test_a_server_that_does_not_start_is_our_fault_and_the_next_call_works(executor, monkeypatch):
    def start_server(kind):
        raise InfrastructureError("no more processes")

    monkeypatch.setattr(servers, "start_server", start_server)
    result = run(executor, "pass")
    assert result.failure and result.failure.ours
    assert "no more processes" in result.failure.message
    assert SERVERS.dead_in_a_row == ATTEMPTS
    monkeypatch.undo()
    assert value(executor, "1 + 1") == "2" and SERVERS.dead_in_a_row == 0


def test_a_process_that_does_not_start_is_tried_once_more(executor, monkeypatch):
    spawn, failures = ForkServer.spawn, iter([InfrastructureError("no more processes")])

    def spawn_late(server, *arguments):
        for failure in failures:
            raise failure
        return spawn(server, *arguments)

    assert SERVERS.tier
    monkeypatch.setattr(ForkServer, "spawn", spawn_late)
    assert value(executor, "1 + 1") == "2"


def test_a_server_starts_within_a_few_starts_of_python():
    """Its trials included."""
    bare, ours = [], []
    for _ in range(3):
        SERVERS.close()
        start = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", "import numpy, asyncio"], check=True)
        middle = time.perf_counter()
        assert SERVERS.tier
        bare.append(middle - start)
        ours.append(time.perf_counter() - middle)
    assert statistics.median(ours) < 10 * statistics.median(bare)


def test_all_of_this_process_share_a_server_and_a_fork_of_it_does_not(executor):
    assert value(executor, "os.getppid()") == value(executor, "1 and os.getppid()")
    server, (reader, writer) = find_server(), os.pipe()
    fork = os.fork()
    if fork == 0:
        try:
            own = find_server()
            os.write(writer, str(own.pid).encode())
            SERVERS.close()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert int(answer.read()) != server.pid
    os.waitpid(fork, 0)
    assert server.is_alive() and find_server() is server
    assert value(executor, "1 + 1") == "2"


def test_leaving_ends_the_servers(tmp_path):
    program = (
        "from rft_core.sandbox.server_kind import ServerKind\n"
        "from rft_core.sandbox.servers import SERVERS\n"
        "with SERVERS.borrow(ServerKind.PYTHON) as tried: print(tried.server.pid, flush=True)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    left = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert not psutil.pid_exists(int(left.stdout)) and not list(tmp_path.iterdir())
