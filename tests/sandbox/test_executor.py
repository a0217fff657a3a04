"""The child is fresh, poor, alone, and always killable."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rft_core.sandbox.executor import Executor, Limits


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


def test_no_descriptor_of_the_parent_is_inherited(executor, tmp_path):
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        targets = value(executor, "[os.readlink('/proc/self/fd/%d' % n) for n in range(3, 40) "
                        "if os.path.islink('/proc/self/fd/%d' % n)]")  # fmt: skip
    assert "secret" not in targets
    assert targets.count("pipe:") == 2


def test_the_project_is_not_importable_and_python_is_isolated(executor):
    failure = call(executor, "__import__('rft_core')").failure
    assert failure is not None and "'rft_core', which is not installed" in failure.message
    assert value(executor, "(sys.flags.isolated, sys.flags.dont_write_bytecode)") == "(1, 1)"


def test_limits_are_in_force():
    with Executor(Limits(memory_bytes=1 << 30, file_bytes=1 << 20)) as executor:
        assert value(executor, "resource.getrlimit(resource.RLIMIT_CORE)") == "(0, 0)"
        assert "MemoryError" in str(call(executor, "len(bytearray(2 << 30))").failure)
        assert call(executor, "open('big', 'wb').write(b'x' * (2 << 20))").failure is not None


def test_a_layer_that_is_claimed_holds(executor):
    if "no_network" in executor.protections:
        failed = "socket.create_connection(('127.0.0.1', 9), timeout=2)"
        assert "OSError" in str(call(executor, failed).failure)
        assert value(executor, "[name for _, name in socket.if_nameindex()]") == "['lo']"
    if "no_new_privs" in executor.protections:
        status = value(executor, "open('/proc/self/status').read()")
        assert "NoNewPrivs:\t1" in status


def test_a_hang_takes_the_whole_process_group_with_it(executor):
    source = """
import os, subprocess, time
def f(completions):
    children = [subprocess.Popen(["sleep", "1000"]).pid for _ in range(2)]
    print(os.getpid(), *children, flush=True)
    time.sleep(1000)
"""
    start = time.monotonic()
    result = executor.call(source, "f", {"completions": ["x"], "global_step": None}, 1.0)
    assert result.failure is not None and result.failure.kind == "hang"
    assert time.monotonic() - start < 2
    pids = [int(text) for text in result.stdout.split()]
    assert len(pids) == 3
    _, alive = psutil.wait_procs([psutil.Process(p) for p in pids if psutil.pid_exists(p)], 5)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_a_killed_idle_child_is_replaced_and_nobody_is_blamed(executor):
    pid = int(value(executor, "os.getpid()"))
    psutil.Process(pid).kill()
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], 5)
    assert int(value(executor, "os.getpid()")) != pid


def test_the_child_does_not_outlive_a_killed_parent(tmp_path):
    program = (
        "from rft_core.sandbox.executor import Executor\n"
        "source = 'def f(completions):\\n    while True: pass'\n"
        "executor = Executor()\n"
        "executor.load(source, 10)\n"
        "print(executor._child._process.pid, flush=True)\n"
        "executor.call(source, 'f', {'completions': ['x'], 'global_step': None}, 60)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs([child], timeout=5)
    assert alive == []


def test_an_answer_that_is_garbled_or_too_long_is_a_death(executor):
    source = """
import os, sys
def f(completions):
    os.write(int(sys.argv[2]), b"\\x00\\x00\\x00\\x02no")
    return [0.0]
"""
    result = executor.call(source, "f", {"completions": ["x"], "global_step": None}, 5)
    assert result.failure is not None and result.failure.kind == "died"


def test_large_requests_and_answers_do_not_block(executor):
    source = "def f(completions, log_extra):\n    log_extra('a', completions)\n    return [0.0]"
    keywords = {"completions": ["x" * 1000] * 20_000, "global_step": None}
    result = executor.call(source, "f", keywords, 20)
    assert result.failure is None
    assert len(result.extras["a"]) == 20_000


def test_a_child_starts_quickly():
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        with Executor() as executor:
            assert executor.protections is not None
            seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) < 1.0  # 0.09 s on an idle machine
