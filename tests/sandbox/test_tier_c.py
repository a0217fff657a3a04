"""Without Landlock and without root all jailed processes are one user's: they stay apart even so.

An ordinary user's processes do it, with a Python that this user can reach.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USER = "60999"
AS_USER = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
PROGRAM = """
import sys
from rft_core.sandbox import tiers
from rft_core.sandbox.servers import SERVERS, open_session
from rft_core.sandbox.session import get_program

try_layer = tiers.try_layer
tiers.try_layer = lambda server, layer, applied: try_layer(
    server, layer, [name for name in applied if name != "landlock"]
)
print(SERVERS.tier)
program = get_program("program_answer")
with open_session(program) as neighbour:
    neighbour.call("run", {"source": "open('theirs', 'w').write('x')"}, 10)
    for source in sys.argv[1:]:
        with open_session(program) as session:
            reply = session.call("run", {"source": source}, 10)
            print(reply.value["answer"] if reply.outcome == "ok" else reply.detail)
"""
POISON = """
import os
server, changed = f"/proc/{os.getppid()}", 0
with open(server + "/mem", "r+b", 0) as memory:
    for line in open(server + "/maps").read().splitlines():
        first, end = (int(part, 16) for part in line.split()[0].split("-"))
        if "rw-p" not in line or end - first > 1 << 27:
            continue
        try:
            memory.seek(first)
            at = memory.read(end - first).find(b"OMP_NUM_THREADS")
        except OSError:
            continue
        if at >= 0:
            memory.seek(first + at)
            changed += memory.write(b"POISONED_VALUE_")
answer = f"changed {changed}"
"""
ENVIRONMENT = "import os; answer = sorted(os.environ)"


@pytest.fixture(scope="module")
def command() -> list[str]:
    """Runs Python as a user who is not root, where Bubblewrap works for that user."""
    if not shutil.which("bwrap") or (os.getuid() == 0 and not shutil.which("setpriv")):
        pytest.skip("bwrap, or setpriv for root, is not installed")
    for python in (sys.executable, "/usr/bin/python3"):
        command = [*(AS_USER if os.getuid() == 0 else []), python]
        # It starts itself once more, as fork servers are started.
        test = "import csv, subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', '']))"
        asked = subprocess.run([*command, "-c", test], cwd="/", capture_output=True, check=False)
        if asked.returncode == 0:
            return command
    pytest.skip("no Python 3.11 is in reach of an ordinary user")


def run(command: list[str], *sources: str) -> list[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [*command, "-c", PROGRAM, *sources],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    tier, *lines = result.stdout.splitlines() or [result.stderr]
    if tier != "C":
        pytest.skip(f"an ordinary user has no tier C here: {result.stderr[-300:]}")
    return lines


def test_no_candidate_reaches_what_the_later_ones_are_forked_from(command: list[str]) -> None:
    poison, _, environment = run(command, POISON, "answer = 1", ENVIRONMENT)
    assert poison.startswith(("PermissionError", "FileNotFoundError")), poison
    assert "POISONED_VALUE_" not in environment and "OMP_NUM_THREADS" in environment


@pytest.mark.parametrize("name", ["fd", "environ", "maps", "mem", "cmdline", "cwd"])
def test_nothing_of_the_other_processes_is_seen(command: list[str], name: str) -> None:
    look = f"""
import os
def read(path):
    try:
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(9)
    except OSError:
        return None
seen = {{pid: read(f"/proc/{{pid}}/{name}") for pid in range(1, 99) if pid != os.getpid()}}
answer = [pid for pid, content in seen.items() if content is not None]
"""
    assert run(command, look) == ["[]"]


def test_there_is_one_process_and_no_folder_of_anybody(command: list[str]) -> None:
    look = """
import os
def look(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []
numbers = [name for name in look("/proc") if name.isdigit()]
answer = (numbers == [str(os.getpid())], look("/tmp"), look("/home"), look(".."), look("/root"))
"""
    assert run(command, look) == ["(True, [], [], [], [])"]
