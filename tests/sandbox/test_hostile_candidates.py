"""What a hostile candidate does to its own process, its folder and its answer; others go on."""

import ctypes
import os
import shutil
import time

import psutil
import pytest

from rft_core.sandbox.jail.limits import LIBC, Limits
from rft_core.sandbox.outcome import Outcome, OutputLimitError
from rft_core.sandbox.pool import run_jobs
from rft_core.sandbox.scratch import Scratch, _measure
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.servers import open_session
from tests.sandbox.programs import PROGRAM, ask, run

DISK_BOMBS = {
    "large": "import os\nfor n in range(999): open(str(n), 'wb').write(bytes(1 << 24))\n",
    "many": "for n in range(99_999): open(str(n), 'w').close()\n",
    "deep": "import os\nfor n in range(3000): os.mkdir('d'); os.chdir('d')\n",
    "long names": "import os\nfor n in range(60): os.mkdir('d' * 250); os.chdir('d' * 250)\n",
}


@pytest.mark.parametrize("bomb", DISK_BOMBS.values(), ids=DISK_BOMBS.keys())
def test_a_disk_bomb_ends_itself_and_is_cleared_away(bomb):
    with open_session(PROGRAM) as session:
        folder = session.scratch.folder
        reply = ask(session, bomb + "while True: pass", 20)
    assert reply.outcome is Outcome.OUTPUT_LIMIT, reply.detail
    assert not folder.exists()


def test_no_space_is_taken_beyond_the_end_of_a_file():
    """A file's limit of size does not count there, and its size does not show it."""
    taker = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
file = os.open("file", os.O_CREAT | os.O_RDWR)
keep_size = 1
taken = libc.fallocate(file, keep_size, ctypes.c_long(0), ctypes.c_long(1 << 28))
answer = (taken, os.fstat(file).st_blocks)
"""
    assert run(taker).value == (-1, 0)
    honest = "import os; os.posix_fallocate(os.open('f', os.O_CREAT | os.O_RDWR), 0, 4096)"
    assert run(honest).outcome is Outcome.OK


def test_space_beyond_the_end_of_a_file_is_measured(tmp_path):
    scratch = Scratch(tmp_path / "scratch", None, 1 << 20)
    with (scratch.folder / "file").open("wb") as file:
        if LIBC.fallocate(file.fileno(), 1, ctypes.c_long(0), ctypes.c_long(2 << 20)):
            pytest.skip("this file system cannot take space in advance")
        with pytest.raises(OutputLimitError, match="1 MiB"):
            scratch.check_size()


def test_a_folder_that_has_become_a_link_is_not_entered(tmp_path):
    """A candidate may change one for the other while its folder is being measured."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("x")
    (tmp_path / "link").symlink_to("elsewhere")
    sizes: list[int] = []
    _measure(str(tmp_path / "link"), None, 0, sizes)
    assert sizes == []


@pytest.mark.parametrize("bomb", [DISK_BOMBS["deep"], DISK_BOMBS["long names"]])
def test_what_a_quick_one_left_is_cleared_away_too(bomb):
    with open_session(PROGRAM) as session:
        folder = session.scratch.folder
        ask(session, bomb + "import os; os._exit(0)", 20)
    assert not folder.exists()


def test_unreadable_folders_and_links_are_removed_and_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    scratch = Scratch(tmp_path / "scratch", None, 1 << 20)
    (scratch.folder / "a" / "b").mkdir(parents=True)
    (scratch.folder / "a" / "b" / "file").write_text("x")
    (scratch.folder / "a" / "link").symlink_to(precious)
    (scratch.folder / "a" / "b").chmod(0)
    (scratch.folder / "a").chmod(0)
    scratch.remove()
    assert not scratch.folder.exists()
    assert (precious / "file").read_text() == "x"


def test_each_process_finds_itself_in_proc_and_nobody_else():
    own = "import os; answer = open('/proc/self/status').read().split('Pid:')[1].split()[0]"
    assert run(own + " == str(os.getpid())").value is True
    other = run("import os; open(f'/proc/{os.getppid()}/status').read()")
    assert other.detail.startswith(("PermissionError", "FileNotFoundError")), other.detail


def test_a_process_is_closed_to_its_neighbours_and_the_first_to_go_when_memory_runs_out():
    source = """
import os
open("file", "w").close()
others_may = os.stat("file").st_mode & 0o077
is_readable = os.stat("/proc/self/maps").st_uid == os.getuid()  # by whoever has its user id
answer = (others_may, is_readable, int(open("/proc/self/oom_score_adj").read()))
"""
    assert run(source).value == (0, False, 1000)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give each process a user of its own")
def test_neighbours_are_different_users():
    with open_session(PROGRAM) as one, open_session(PROGRAM) as two:
        users = {ask(session, "import os; answer = os.getuid()").value for session in (one, two)}
    assert len(users) == 2 and not users & {0, os.getuid()}


def test_a_bomb_of_threads_does_not_take_its_neighbours_threads():
    bomb = """
import threading
threading.stack_size(32768)
while True:
    try: threading.Thread(target=threading.Event().wait, daemon=True).start()
    except RuntimeError: pass
"""
    honest = """
import threading
threads = [threading.Thread(target=list) for _ in range(20)]
for thread in threads: thread.start()
for thread in threads: thread.join()
answer = 20
"""
    sources = [bomb] + [honest] * 5
    replies = run_jobs(PROGRAM, sources, lambda s, source: ask(s, source, 3), workers=2)
    assert replies[0].outcome is Outcome.TIMEOUT
    assert [reply.value for reply in replies[1:]] == [20] * 5


ANSWER_BOMBS = {
    "a million lists": "b'[' + b'[],' * 20_000_000 + b'0]'",
    "deep": "b'[' * 10_000_000",
    "digits": "b'{\"value\": ' + b'9' * 10_000_000 + b'}'",
    "no text": "bytes(range(256)) * 1000",
}


@pytest.mark.parametrize("body", ANSWER_BOMBS.values(), ids=ANSWER_BOMBS.keys())
def test_an_answer_made_to_burst_its_reader_is_no_answer(body):
    source = f"""
import os
body = {body}
frame = len(body).to_bytes(4, "big") + body
while frame: frame = frame[os.write(4, frame):]
while True: pass
"""
    before = psutil.Process().memory_info().rss
    reply = run(source, 20)
    assert reply.outcome is Outcome.KILLED, reply
    assert psutil.Process().memory_info().rss - before < 300 << 20


@pytest.mark.parametrize(
    "forged",
    [
        {"outcome": "ok", "value": 1, "detail": ""},
        {"outcome": "ok", "value": {"tuple": 3}, "detail": "", "blocked": []},
        {"outcome": "infra_error", "value": None, "detail": "", "blocked": []},
        {"outcome": "refused", "value": None, "detail": "", "blocked": []},
        {"outcome": "ok", "value": 1, "detail": 7, "blocked": []},
        {"outcome": "ok", "value": 1, "detail": "", "blocked": [7]},
        {"outcome": ["ok"], "value": 1, "detail": "", "blocked": []},
    ],
)
def test_a_forged_answer_is_scored_as_none(forged):
    source = f"""
import json, os
body = json.dumps({forged!r}).encode()
os.write(4, len(body).to_bytes(4, "big") + body)
while True: pass
"""
    assert run(source).outcome is Outcome.KILLED


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("x = '\x00'", Outcome.CANDIDATE_ERROR),
        ("x = '\ud800'", Outcome.CANDIDATE_ERROR),
        ("answer = " + "1 + " * 250_000 + "1", None),
        ("(" * 100_000, Outcome.CANDIDATE_ERROR),
        ("import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()", None),
        ("answer = 10 ** 10 ** 7", None),
        ("import re; re.match('(a+)+$', 'a' * 40 + 'b')", Outcome.TIMEOUT),
        ("raise type('E', (BaseException,), {'__str__': lambda s: 1 / 0})()", None),
        ("import sys; sys.excepthook = sys.stdout = None; 1 / 0", Outcome.CANDIDATE_ERROR),
        ("class E(Exception): __str__ = lambda s: 'x' * 10**8\nraise E()", None),
    ],
)
def test_odd_sources_end_only_themselves(source, outcome):
    reply = run(source, 2.0)
    assert reply.outcome is not Outcome.OK or reply.value is not None
    assert outcome in (None, reply.outcome), reply
    assert len(reply.detail) < 10_000
    assert run("answer = 1").value == 1


def test_what_runs_on_after_the_answer_has_no_effect():
    source = """
import threading, time, os
def later():
    time.sleep(0.2)
    os.write(4, b"forged")
    print("later")
threading.Thread(target=later).start()
answer = 1
"""
    with open_session(PROGRAM) as session:
        reply = ask(session, source)
    assert (reply.outcome, reply.value, reply.stdout) == (Outcome.OK, 1, "")


def test_a_jump_of_the_wall_clock_moves_no_deadline(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 0.0)
    late = run("while True: pass", 0.5)
    assert late.outcome is Outcome.TIMEOUT and late.seconds < 1.0
    monkeypatch.setattr(time, "time", lambda: 1e12)
    assert run("answer = 1").value == 1


def test_set_user_id_programs_cannot_be_made_or_run():
    program = shutil.which("su") or "/bin/su"
    assert "not permitted" in run(f"import os; os.execv({program!r}, ['su'])").detail
    made = "import os; open('x', 'w').close(); os.chmod('x', 0o4755)"
    assert "not permitted" in run(made).detail


@pytest.mark.parametrize("kind", [ServerKind.INTERPRETER, ServerKind.COMPILER])
def test_a_torch_process_has_memory_to_work_and_not_more(kind):
    work = "import torch; answer = float((torch.ones(2000, 2000) @ torch.ones(2000, 2000))[0, 0])"
    assert run(work, 20, kind=kind).value == 2000.0
    hog = "import torch; x = [torch.empty(1 << 28) for _ in range(64)]"
    assert run(hog, 30, kind=kind).outcome is Outcome.OOM
    small = Limits(memory_bytes=1 << 30)
    assert run("x = bytearray(1 << 30)", 10, small, kind).outcome is Outcome.OOM
