"""What reward functions find in their process, and that it is always killable."""

import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from rft_core.sandbox import servers, tiers
from rft_core.sandbox.executor import Executor, Limits, Outcome
from rft_core.sandbox.flavours import Flavour
from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.local import LocalProvider
from rft_core.sandbox.outcome import InfrastructureError, SandboxRefusedError
from rft_core.sandbox.pool import ATTEMPTS


@pytest.fixture(scope="module")
def shared():
    with Executor() as executor:
        yield executor


@pytest.fixture
def executor():
    with Executor() as executor:
        yield executor


def call(executor: Executor, expression: str, timeout: float = 5.0):
    """One call whose only score reports the value of an expression."""
    source = (
        "import os, sys, socket, resource\n"
        "def f(completions, log_extra):\n"
        f"    log_extra('value', [{expression}])\n"
        "    return [0.0]\n"
    )
    keywords = {"completions": ["x"], "global_step": None}
    return executor.call(source, "f", keywords, timeout)


def value(executor: Executor, expression: str) -> str:
    result = call(executor, f"str({expression})")
    assert result.failure is None, result.failure
    return result.extras["value"][0]


def run(executor: Executor, body: str, timeout: float = 5.0):
    """One call of a function that is more than an expression."""
    source = f"import os, sys\ndef f(completions):\n    {body}\n    return [0.0]\n"
    return executor.call(source, "f", {"completions": ["x"], "global_step": None}, timeout)


def server_of(executor: Executor) -> psutil.Process:
    assert executor.tier
    return psutil.Process(fork_server_of(executor).pid)


def fork_server_of(executor: Executor):
    with executor._servers.borrow(Flavour.PYTHON) as tried:
        return tried.server


def test_the_environment_holds_no_secrets_of_the_parent(executor, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert "secret" not in value(executor, "os.environ")
    assert "OPENAI_API_KEY" not in value(executor, "list(os.environ)")


def test_the_working_folder_is_empty_and_removed_afterwards(executor):
    folder = Path(value(executor, "os.getcwd()"))
    assert value(executor, "os.listdir('.')") == "[]"
    assert folder.exists()
    executor.close()
    assert not folder.parent.parent.exists()


def test_no_descriptor_of_the_parent_is_inherited(executor, tmp_path):
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        source = (
            "import os\n"
            "def is_open(fd):\n"
            "    try: os.fstat(fd)\n"
            "    except OSError: return False\n"
            "    return True\n"
            "def f(completions): return [float(n) for n in range(9999) if is_open(n)]"
        )
        keywords = {"completions": ["x"] * 9, "global_step": None}
        result = executor.call(source, "f", keywords, 5)
    assert result.values == [0, 1, 2, 3, 4]  # nothing, prints twice, requests, answers


def test_the_project_is_not_importable_and_python_is_isolated(shared):
    failure = call(shared, "__import__('rft_core')").failure
    assert failure is not None and "'rft_core', which is not installed" in failure.message
    assert value(shared, "(sys.flags.isolated, sys.flags.dont_write_bytecode)") == "(1, 1)"


def test_limits_are_in_force():
    with Executor(Limits(memory_bytes=1 << 30, file_bytes=1 << 20)) as executor:
        assert value(executor, "resource.getrlimit(resource.RLIMIT_CORE)") == "(0, 0)"
        result = call(executor, "len(bytearray(2 << 30))")
        assert "MemoryError" in str(result.failure) and result.outcome is Outcome.OOM
        assert call(executor, "open('big', 'wb').write(b'x' * (2 << 20))").failure is not None


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("pass", Outcome.OK),
        ("1 / 0", Outcome.CANDIDATE_ERROR),
        ("sys.exit(0)", Outcome.CANDIDATE_ERROR),
        ("bytearray(1 << 40)", Outcome.OOM),
        ("os._exit(0)", Outcome.KILLED),
        ("os.kill(os.getpid(), 9)", Outcome.KILLED),
        ("import ctypes; ctypes.string_at(0)", Outcome.KILLED),
        ("while True: pass", Outcome.TIMEOUT),
        ("os.kill(os.getpid(), 19)", Outcome.TIMEOUT),  # SIGSTOP: it sleeps, the parent does not
        ("while True: print('x' * 1000000)", Outcome.OUTPUT_LIMIT),
        ("[open(str(n), 'wb').write(bytes(1 << 24)) for n in range(999)]", Outcome.OUTPUT_LIMIT),
        ("while True: os.write(4, b'xxxx' * 9999)", Outcome.OUTPUT_LIMIT),
    ],
)
def test_every_ending_has_its_name(shared, body, outcome):
    result = run(shared, body, timeout=0.5 if outcome is Outcome.TIMEOUT else 10)
    assert result.outcome is outcome, result.failure
    assert result.outcome.is_scored
    assert run(shared, "pass").outcome is Outcome.OK


FORGERIES = {
    "garbled": "os.write(4, b'\\x00\\x00\\x00\\x02no')",
    "no object": "os.write(4, b'\\x00\\x00\\x00\\x02[]')",
    "nested": "os.write(4, (200000).to_bytes(4, 'big') + b'[' * 200000)",
    "twice": "os.write(4, b'\\x00\\x00\\x00\\x02{}' * 2)",
    "not a number": "import json; b = json.dumps({'values': ['1'], 'extras': {}, 'metrics': {}})"
    ".encode(); os.write(4, len(b).to_bytes(4, 'big') + b)",
    "infinite": 'b = b\'{"values": [Infinity], "extras": {}, "metrics": {}}\';'
    "os.write(4, len(b).to_bytes(4, 'big') + b)",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_an_answer_that_is_forged_is_no_answer(shared, forgery):
    result = run(shared, forgery)
    assert (result.outcome, result.failure.kind) == (Outcome.KILLED, "died")


def test_an_answer_in_advance_is_not_taken_for_the_next_one(executor):
    source = """
import os, threading, time
def f(completions):
    def later():
        time.sleep(0.5)
        body = b'{"values": [1.0], "extras": {}, "metrics": {}}'
        os.write(4, len(body).to_bytes(4, "big") + body)
    threading.Thread(target=later).start()
    return [0.5]
"""
    keywords = {"completions": ["x"], "global_step": None}
    assert executor.call(source, "f", keywords, 5).values == [0.5]
    process = executor._running[source].process
    deadline = time.monotonic() + 5
    while process.channel.is_silent() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert executor.call(source, "f", keywords, 5).values == [0.5]
    assert executor._running[source].process is not process


def test_sources_with_what_files_rarely_hold_are_only_errors(shared):
    for source in ("x = '\x00'", "x = '\ud800'", "x = " + "1 + " * 250_000 + "1", "(" * 100_000):
        result = shared.load(source, 20)
        assert result.failure is None or result.outcome.is_scored, source[:20]
    assert run(shared, "pass").outcome is Outcome.OK


def test_an_idle_process_that_was_killed_is_replaced_and_nobody_is_blamed(executor):
    server = server_of(executor)
    value(executor, "1")
    jailed = max(server.children(recursive=True), key=lambda process: process.pid)
    channel = next(iter(executor._running.values())).process.channel
    jailed.kill()
    deadline = time.monotonic() + 5
    while channel.is_silent() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert value(executor, "1") == "1"
    assert server.is_running()


def test_a_server_killed_in_the_middle_is_our_fault_and_the_next_call_works(executor):
    server = server_of(executor)
    source = "import time\ndef f(completions): time.sleep(60)"
    executor.load(source, 5)

    threading.Timer(0.3, server.kill).start()  # the call below takes a minute
    result = executor.call(source, "f", {"completions": ["x"], "global_step": None}, 30)
    assert result.outcome is Outcome.INFRA_ERROR and not result.outcome.is_scored
    assert result.seconds < 20
    assert value(executor, "1 + 1") == "2"


def test_nothing_outlives_a_killed_parent(tmp_path):
    program = (
        "from rft_core.sandbox.executor import Executor\n"
        "source = 'def f(completions):\\n    while True: pass'\n"
        "executor = Executor()\n"
        "executor.load(source, 10)\n"
        "print(executor._running[source].tried.server.pid, flush=True)\n"
        "executor.call(source, 'f', {'completions': ['x'], 'global_step': None}, 60)\n"
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
    server = server_of(executor)
    value(executor, "1")
    processes = [server, *server.children(recursive=True)]
    executor.close()
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []


def test_many_calls_leak_no_descriptor_and_no_folder(executor):
    run(executor, "pass")
    before = psutil.Process().num_fds()
    for number in range(30):
        run(executor, f"os._exit({number})")
    assert psutil.Process().num_fds() == before
    assert (
        len(list(fork_server_of(executor).cells.iterdir())) <= 2
    )  # the idle one's, and the probes'


def test_large_requests_and_answers_do_not_block(shared):
    source = "def f(completions, log_extra):\n    log_extra('a', completions)\n    return [0.0]"
    keywords = {"completions": ["x" * 1000] * 20_000, "global_step": None}
    result = shared.call(source, "f", keywords, 20)
    assert result.failure is None
    assert len(result.extras["a"]) == 20_000


def test_libraries_threads_and_asyncio_work(shared):
    source = """
import asyncio, concurrent.futures, tempfile, numpy, pandas
async def one():
    await asyncio.sleep(0)
    return 1.0
def f(completions):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(abs, [-1, -2])) == [1, 2]
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    pandas.DataFrame({"a": numpy.ones(3)}).to_csv("table.csv")
    assert len(pandas.read_csv("table.csv")) == 3
    return [asyncio.run(one())]
"""
    result = shared.call(source, "f", {"completions": ["x"], "global_step": None}, 20)
    assert result.failure is None, result.failure
    assert result.values == [1.0]


def test_below_the_last_tier_code_is_refused_and_texts_of_ours_are_run_and_killed(monkeypatch):
    monkeypatch.setattr(tiers, "get_tier", lambda held: None)
    ours = "import time\ndef f(completions): return [time.sleep(float(completions[0])) or 1.0]"
    with Executor() as executor:
        for _ in range(2):  # also where a server for our own texts runs by now
            refused = run(executor, "pass")
            assert refused.outcome is Outcome.REFUSED and not refused.outcome.is_scored
            assert refused.failure and "cannot be locked in" in refused.failure.message
            with pytest.raises(SandboxRefusedError):
                assert executor.tier
            arguments = {"completions": ["0"], "global_step": None}
            assert executor.call(ours, "f", arguments, 5, is_ours=True).values == [1.0]
        [running] = executor._running.values()
        server = psutil.Process(running.tried.server.pid)
        [child] = server.children()
        arguments = {"completions": ["60"], "global_step": None}
        late = executor.call(ours, "f", arguments, 0.2, is_ours=True)
        assert late.outcome is Outcome.TIMEOUT and not child.is_running()
    assert not server.is_running()


def test_a_server_that_does_not_start_is_our_fault_and_the_next_call_works(executor, monkeypatch):
    def start_server(flavour):
        raise InfrastructureError("no more processes")

    monkeypatch.setattr(servers, "start_server", start_server)
    result = run(executor, "pass")
    assert result.outcome is Outcome.INFRA_ERROR
    assert result.failure and "no more processes" in result.failure.message
    assert executor.dead_servers == ATTEMPTS
    monkeypatch.undo()
    assert value(executor, "1 + 1") == "2" and executor.dead_servers == 0


def test_a_process_that_does_not_start_is_tried_once_more(executor, monkeypatch):
    spawn, failures = ForkServer.spawn, iter([InfrastructureError("no more processes")])

    def spawn_late(server, *arguments):
        for failure in failures:
            raise failure
        return spawn(server, *arguments)

    assert executor.tier
    monkeypatch.setattr(ForkServer, "spawn", spawn_late)
    assert value(executor, "1 + 1") == "2"


def test_a_server_starts_quickly():
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        with Executor() as executor:
            assert executor.tier
            seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) < 2.0  # 0.2 s on an idle machine, probes included


def test_the_servers_can_be_shared_with_a_provider_and_stay_its_own():
    provider = LocalProvider()
    with Executor(servers=provider.servers) as executor:
        assert value(executor, "1 + 1") == "2"
        [shared] = provider.servers.list_running()
    assert shared.server.is_alive() and shared.users == 0
    provider.close()
    assert not shared.server.is_alive()


def test_many_sources_have_a_process_each(executor):
    for number in range(80):
        assert value(executor, str(number)) == str(number)
    assert value(executor, "0") == "0"
