"""What reward functions find in their process, and that it is always killable."""

import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.servers import SERVERS
from tests.sandbox.programs import RewardDoor


@pytest.fixture(scope="module")
def shared():
    with RewardDoor() as executor:
        yield executor


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


def pipes_of(executor: RewardDoor, source: str):
    _, session = executor.processes[source]._session._open
    return session._process.pipes


def test_the_environment_holds_no_secrets_of_the_parent(executor, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert "secret" not in value(executor, "os.environ")
    assert "OPENAI_API_KEY" not in value(executor, "list(os.environ)")


def test_the_working_folder_is_empty_and_removed_afterwards(executor):
    folder = Path(value(executor, "os.getcwd()"))
    assert value(executor, "os.listdir('.')") == "[]"
    assert folder.exists()
    executor.close()
    assert not folder.exists()
    SERVERS.close()
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
        keywords = {"completions": ["x"] * 9}
        result = executor.call(source, "f", keywords, 5)
    assert result.values == [0, 1, 2, 3, 4]  # nothing, prints twice, requests, answers


def test_the_project_is_not_importable_and_python_is_isolated(shared):
    failure = call(shared, "__import__('rft_core')").failure
    assert failure is not None and "'rft_core', which is not installed" in failure.message
    assert value(shared, "(sys.flags.isolated, sys.flags.dont_write_bytecode)") == "(1, 1)"


def test_limits_are_in_force():
    with RewardDoor(Limits(memory_bytes=1 << 30, file_bytes=1 << 20)) as executor:
        assert value(executor, "resource.getrlimit(resource.RLIMIT_CORE)") == "(0, 0)"
        result = call(executor, "len(bytearray(2 << 30))")
        assert "MemoryError" in str(result.failure) and result.failure.kind == "memory"
        assert call(executor, "open('big', 'wb').write(b'x' * (2 << 20))").failure is not None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("pass", None),
        ("1 / 0", "exception"),
        ("sys.exit(0)", "exception"),
        ("bytearray(1 << 40)", "memory"),
        ("os._exit(0)", "died"),
        ("os.kill(os.getpid(), 9)", "died"),
        ("import ctypes; ctypes.string_at(0)", "died"),
        ("while True: pass", "hang"),
        ("os.kill(os.getpid(), 19)", "hang"),  # SIGSTOP: it sleeps, the parent does not
        ("while True: print('x' * 1000000)", "died"),
        ("[open(str(n), 'wb').write(bytes(1 << 24)) for n in range(999)]", "died"),
        ("while True: os.write(4, b'xxxx' * 9999)", "died"),
    ],
)
def test_every_ending_has_its_name(shared, body, kind):
    result = run(shared, body, timeout=0.5 if kind == "hang" else 10)
    failure = result.failure
    assert (failure and failure.kind) == kind, failure
    assert not (failure and failure.ours)
    assert run(shared, "pass").failure is None


FORGERIES = {
    "garbled": "os.write(4, b'\\x00\\x00\\x00\\x02no')",
    "no object": "os.write(4, b'\\x00\\x00\\x00\\x02[]')",
    "nested": "os.write(4, (200000).to_bytes(4, 'big') + b'[' * 200000)",
    "twice": "os.write(4, b'\\x00\\x00\\x00\\x02{}' * 2)",
    "not a number": "values = ['1']; FORGE",
    "infinite": "values = [{'float': 'inf'}]; FORGE",
    "no text": "values = [1.0]; extras = {'dict': [['reason', [7]]]}; FORGE",
    "no column": "values = [1.0]; extras = {'dict': [[7, ['x']]]}; FORGE",
}
FORGE = """import json
    extras = locals().get("extras", {"dict": []})
    value = {"dict": [["values", values], ["failure", None], ["extras", extras],
                      ["metrics", {"dict": []}]]}
    frame = {"outcome": "ok", "value": value, "detail": "", "blocked": []}
    b = json.dumps(frame).encode()
    os.write(4, len(b).to_bytes(4, "big") + b)
    while True: pass"""


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_an_answer_that_is_forged_is_no_answer(shared, forgery):
    result = run(shared, forgery.replace("FORGE", FORGE))
    assert result.values is None and result.failure.kind == "died"
    assert "garbled" in result.failure.message or "its process ended" in result.failure.message


def test_an_answer_in_advance_is_not_taken_for_the_next_one(executor):
    source = """
import os, threading, time
def f(completions):
    def later():
        time.sleep(0.5)
        body = b'{"outcome": "ok", "value": null, "detail": "", "blocked": []}'
        os.write(4, len(body).to_bytes(4, "big") + body)
    threading.Thread(target=later).start()
    return [0.5]
"""
    keywords = {"completions": ["x"]}
    assert executor.call(source, "f", keywords, 5).values == [0.5]
    pipes = pipes_of(executor, source)
    deadline = time.monotonic() + 5
    while pipes.is_silent() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert executor.call(source, "f", keywords, 5).values == [0.5]
    assert pipes_of(executor, source) is not pipes


def test_sources_with_what_files_rarely_hold_are_only_errors(shared):
    for source in ("x = '\x00'", "x = '\ud800'", "x = " + "1 + " * 250_000 + "1", "(" * 100_000):
        result = shared.load(source, 20)
        assert result.failure is None or not result.failure.ours, source[:20]
    assert run(shared, "pass").failure is None


def test_an_idle_process_that_was_killed_is_replaced_and_nobody_is_blamed(executor):
    server = find_server_process()
    before = set(server.children(recursive=True))
    value(executor, "1")
    [jailed] = set(server.children(recursive=True)) - before
    pipes = pipes_of(executor, next(iter(executor.processes)))
    jailed.kill()
    deadline = time.monotonic() + 5
    while pipes.is_silent() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert value(executor, "1") == "1"
    assert server.is_running()


def test_a_server_killed_in_the_middle_is_our_fault_and_the_next_call_works(executor):
    server = find_server_process()
    source = "import time\ndef f(completions): time.sleep(60)"
    executor.load(source, 5)

    threading.Timer(0.3, server.kill).start()  # the call below takes a minute
    result = executor.call(source, "f", {"completions": ["x"]}, 30)
    assert result.failure and result.failure.ours
    assert value(executor, "1 + 1") == "2"


def test_large_requests_and_answers_do_not_block(shared):
    source = "def f(completions, log_extra):\n    log_extra('a', completions)\n    return [0.0]"
    keywords = {"completions": ["x" * 1000] * 20_000}
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
    result = shared.call(source, "f", {"completions": ["x"]}, 20)
    assert result.failure is None, result.failure
    assert result.values == [1.0]


def test_many_sources_have_a_process_each(executor):
    for number in range(80):
        assert value(executor, str(number)) == str(number)
    assert value(executor, "0") == "0"
