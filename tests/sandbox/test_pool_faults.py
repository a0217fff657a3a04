"""One bad candidate delays only itself, and what fails on our side scores nobody."""

import itertools
import os
import signal
import threading

import psutil
import pytest

from rft_core.sandbox import servers
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import InfrastructureError, Outcome, Unscored
from rft_core.sandbox.pool import MOST_DEAD_SERVERS, run_jobs
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.servers import SERVERS
from rft_core.sandbox.session import JailedProgram
from rft_core.sandbox.tiers import SandboxReport
from tests.sandbox.programs import PROGRAM, ask

HANG, HOG = "while True: pass", "answer = []\nwhile True: answer.append(bytes(1 << 22))"


pytestmark = pytest.mark.usefixtures("fresh_servers")


def kill_server():
    with SERVERS.borrow(ServerKind.PYTHON) as tried:
        os.killpg(tried.server.pid, signal.SIGKILL)


def run(session, source):
    return ask(session, source, 1.0)


def test_hangs_and_memory_hogs_delay_only_themselves():
    sources = [f"answer = {n}" for n in range(100)]
    sources[10], sources[20], sources[30] = HANG, HOG, HANG
    limits = Limits(memory_bytes=1 << 30)
    run_jobs(PROGRAM, ["answer = 0"], run)  # start the server
    replies = run_jobs(PROGRAM, sources, run, limits, workers=2)
    late = sum(reply.seconds for reply in replies)
    assert late < 3 * 1.0 + 97 * 0.1  # of hangs each its limit, and of the others none theirs
    assert [replies[n].outcome for n in (10, 20, 30)] == [
        Outcome.TIMEOUT,
        Outcome.OOM,
        Outcome.TIMEOUT,
    ]
    assert all(replies[n].value == n for n in range(100) if n not in (10, 20, 30))


def test_a_server_killed_in_the_middle_costs_no_job_and_none_is_scored_twice():
    done, killed, failures = [], threading.Event(), SERVERS.failures

    def work(session, number):
        reply = ask(session, f"answer = {number}")
        if number == 20 and not killed.is_set():
            killed.set()
            kill_server()
        done.append(number)
        return reply.value

    results = run_jobs(PROGRAM, range(60), work)
    assert results == list(range(60))
    assert SERVERS.failures - failures == 1 and SERVERS.dead_in_a_row == 0
    assert set(done) == set(range(60))


def test_a_call_during_which_the_server_dies_is_tried_once_more():
    attempts = itertools.count()

    def work(session, source):
        if next(attempts) == 0:
            threading.Timer(0.3, kill_server).start()
            return ask(session, "import time; time.sleep(60)", 60)
        return ask(session, source)

    [reply] = run_jobs(PROGRAM, ["answer = 7"], work)
    assert reply.value == 7 and next(attempts) == 2  # had it slept on, there were one


def test_a_job_that_kills_every_server_is_given_up_and_the_others_are_done():
    def work(session, number):
        if number == 5:
            kill_server()
        return ask(session, f"answer = {number}").value

    results = run_jobs(PROGRAM, range(10), work, workers=1)
    assert isinstance(results[5], Unscored) and results[5].ours
    assert [result for n, result in enumerate(results) if n != 5] == [0, 1, 2, 3, 4, 6, 7, 8, 9]


def test_after_three_dead_servers_in_a_row_the_batch_is_given_up(monkeypatch):
    starts = itertools.count()

    def start_server(kind):
        next(starts)
        raise InfrastructureError("no more processes")

    monkeypatch.setattr(servers, "start_server", start_server)
    results = run_jobs(PROGRAM, range(50), lambda session, job: job)
    assert all(isinstance(result, Unscored) and result.ours for result in results)
    assert "no more processes" in results[0].reason and "given up" in results[-1].reason
    assert SERVERS.dead_in_a_row >= MOST_DEAD_SERVERS
    assert next(starts) <= MOST_DEAD_SERVERS + 1  # another thread may just have begun
    monkeypatch.undo()
    assert run_jobs(PROGRAM, [1], lambda session, job: job, workers=2) == [
        1
    ]  # the next batch tries anew
    assert SERVERS.dead_in_a_row == 0


def test_without_a_jail_every_job_is_refused_and_none_is_run(monkeypatch):
    report = SandboxReport(None, (), ())
    monkeypatch.setattr(servers, "start_server", lambda kind: (None, report))
    results = run_jobs(PROGRAM, range(3), lambda session, job: pytest.fail("it ran"))
    assert all(isinstance(result, Unscored) and not result.ours for result in results)
    assert "cannot be locked in" in results[0].reason


def test_a_mistake_in_the_trusted_work_is_raised_and_leaves_no_process():
    with pytest.raises(ZeroDivisionError):
        run_jobs(PROGRAM, range(5), lambda session, job: 1 / 0)
    with SERVERS.borrow(ServerKind.PYTHON) as tried:
        server = psutil.Process(tried.server.pid)
    before = len(server.children(recursive=True))
    assert run_jobs(PROGRAM, ["answer = 1"], run)[0].value == 1
    assert len(server.children(recursive=True)) == before


def test_a_session_repeats_how_it_ended():
    def work(session, source):
        return [ask(session, text, 0.5) for text in (source, "answer = 1")]

    [(first, second)] = run_jobs(PROGRAM, [HANG], work)
    assert first.outcome is second.outcome is Outcome.TIMEOUT
    [(first, second)] = run_jobs(PROGRAM, ["1 / 0"], work)
    assert (first.outcome, second.value) == (Outcome.CANDIDATE_ERROR, 1)


def test_a_program_that_does_not_load_is_our_fault():
    broken = JailedProgram(ServerKind.PYTHON, "rft_core.sandbox.programs.no_such_module")
    [result] = run_jobs(broken, [1], run)
    assert isinstance(result, Unscored) and result.ours and "no_such_module" in result.reason


def test_no_descriptor_process_or_folder_is_left():
    run_jobs(PROGRAM, ["answer = 1"], run)
    with SERVERS.borrow(ServerKind.PYTHON) as tried:
        server = tried.server
    before = psutil.Process().num_fds()
    sources = ["answer = 1", "import os; os._exit(1)", "x", "open('file', 'w').write('x')", HANG]
    run_jobs(PROGRAM, sources * 4, lambda session, source: ask(session, source, 0.2))
    assert psutil.Process().num_fds() == before
    assert [path.name for path in server.cells.iterdir()] == ["neighbour"]  # the probes'
