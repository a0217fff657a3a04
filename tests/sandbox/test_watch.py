"""What a candidate tries and must not is named; what honest code does is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.server_kind import ServerKind
from tests.sandbox.programs import run

ROOT = Path(__file__).resolve().parents[2]
ATTEMPTS = {
    "network": [
        "import socket; socket.create_connection(('127.0.0.1', 80), 1)",
        "import socket; socket.socket()",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1/')",
        "import socket; socket.getaddrinfo('example.org', 80)",
    ],
    "file": [
        "open('/etc/passwd')",
        "open('../../../etc/passwd')",
        "import pathlib; pathlib.Path('/root/.ssh/id_rsa').read_text()",
        "import os; os.listdir('/')",
        "import os; os.remove('/tmp/x')",
        "import os; os.symlink('/etc', 'etc'); open('etc/shadow')",
        "import sqlite3; open('/srv/runs/index.db', 'rb')",
        "import numpy; numpy.save('/tmp/x.npy', numpy.ones(1))",
    ],
    "process": [
        "import os; os.fork()",
        "import os; os.system('true')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.kill(os.getppid(), 9)",
        "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
    ],
    "ctypes": [
        "import ctypes; ctypes.CDLL(None)",
        "exec('import ctypes; ctypes.string_at(b\"\")')",
    ],
    "introspection": [
        "import gc; gc.get_objects()",
        "import sys; sys._getframe(1).f_globals",
        "import inspect; inspect.currentframe()",
        "import sys; sys.settrace(print)",
    ],
}
HONEST = [
    "import numpy, collections, dataclasses, typing, decimal; numpy.ones(3).sum()",
    "import asyncio\nasync def f(): await asyncio.sleep(0)\nasyncio.run(f())",
    "open('notes.txt', 'w').write('x'); open('notes.txt').read()",
    "import tempfile\nwith tempfile.TemporaryDirectory() as d: open(d + '/x', 'w').close()",
    "import os; os.makedirs('a/b'); os.rename('a/b', 'c'); os.listdir('.'); os.listdir()",
    "from collections import namedtuple; namedtuple('P', 'x y')(1, 2)",
    "import threading; t = threading.Thread(target=print); t.start(); t.join()",
    "import random, uuid, json, csv, datetime, zoneinfo; zoneinfo.ZoneInfo('UTC'); uuid.uuid4()",
    "import logging, warnings; warnings.warn('x'); logging.warning('y')",
    "try: 1 / 0\nexcept ZeroDivisionError: import traceback; traceback.print_exc()",
    "import pandas; pandas.DataFrame({'a': [1]}).to_csv('x.csv'); pandas.read_csv('x.csv')",
    "open('/dev/stdin').read(); open('/dev/stdout', 'w').write('x'); open(0).read()",
    "import resource as r; r.setrlimit(r.RLIMIT_STACK, r.getrlimit(r.RLIMIT_STACK))",
    "import os, signal; signal.signal(signal.SIGUSR1, print); os.kill(os.getpid(), signal.SIGUSR1)",
]


def watch(source, kind=ServerKind.PYTHON):
    """What is stopped does not end the program."""
    lines = "\n".join("    " + line for line in source.splitlines())
    return run(f"try:\n{lines}\nexcept OSError: pass", 20, kind=kind)


@pytest.mark.parametrize(
    ("kind", "source"), [(kind, source) for kind in ATTEMPTS for source in ATTEMPTS[kind]]
)
def test_an_attempt_is_named(kind, source):
    reply = watch(source)
    assert reply.outcome is Outcome.OK, reply.detail
    assert reply.blocked == (kind,)


@pytest.mark.parametrize("source", HONEST)
def test_honest_code_attempts_nothing(source):
    reply = watch(source)
    assert (reply.outcome, reply.detail, reply.blocked) == (Outcome.OK, "", ())


@pytest.mark.parametrize("kind", [ServerKind.INTERPRETER, ServerKind.COMPILER])
def test_torch_attempts_nothing_by_itself(kind):
    source = "import torch; torch.nn.functional.softmax(torch.randn(8, 8) @ torch.ones(8, 8), -1)"
    assert watch(source, kind).blocked == ()
    assert watch("import torch; torch.load('/etc/passwd')", kind).blocked == ("file",)


def test_attempts_are_reported_with_an_error_too():
    reply = watch("try: open('/etc/passwd')\nexcept OSError: pass\n1 / 0")
    assert (reply.outcome, reply.blocked) == (Outcome.CANDIDATE_ERROR, ("file",))


def test_closed_streams_are_the_candidates_own_business():
    assert watch("import sys; sys.stdout.close(); sys.stderr = None").outcome is Outcome.OK


def test_what_a_program_of_ours_does_is_no_attempt(tmp_path):
    """A process's hook cannot be taken off again, so this is seen in one of its own."""
    (tmp_path / "ours.py").write_text("import ctypes, gc\nctypes.CDLL(None), gc.get_objects()\n")
    (tmp_path / "theirs.py").write_text("import ctypes, gc\nctypes.CDLL(None), gc.get_objects()\n")
    program = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT)!r})
from rft_core.sandbox.inside.attempt_watch import AttemptWatch
from rft_core.sandbox.jail.jail import get_python_folders
watch = AttemptWatch([], get_python_folders(), {str(tmp_path / "ours")!r})
for name in ("ours", "theirs"):
    with open({str(tmp_path)!r} + f"/{{name}}.py") as file:
        code = compile(file.read(), {str(tmp_path)!r} + f"/{{name}}.py", "exec")
    watch.attempts.clear()
    exec(code, {{}})
    print(sorted(watch.attempts))
"""
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    assert told[:2] == ["[]", "['ctypes', 'introspection']"]


def test_a_look_at_frames_is_noticed_once_however_deep_calls_may_go():
    look = "import sys\nsys.setrecursionlimit(10**6)\nanswer = sys._getframe(0).f_lineno"
    reply = run(look)
    assert (reply.outcome, reply.blocked) == (Outcome.OK, ("introspection",)), reply.detail
    plain = "import sys, collections\nsys.setrecursionlimit(10**6)\n"
    reply = run(plain + "answer = collections.namedtuple('P', 'x')(1).x")
    assert (reply.outcome, reply.value, reply.blocked) == (Outcome.OK, 1, ())
