"""One bad candidate delays only itself, and what fails on our side scores nobody."""

import itertools
import os
import signal
import threading
import time

import psutil
import pytest

from rft_core.sandbox import servers
from rft_core.sandbox.local import LocalProvider
from rft_core.sandbox.outcome import InfrastructureError
from rft_core.sandbox.pool import MOST_DEAD_SERVERS, Failed, Pool
from rft_core.sandbox.provider import Flavour, Limits, Outcome, Program
from rft_core.sandbox.tiers import SandboxReport

PROGRAM = Program(
    Flavour.PYTHON,
    """
def run(source):
    scope = {}
    exec(compile(source, CANDIDATE, "exec"), scope)
    return scope["answer"]
""",
)
HANG, HOG = "while True: pass", "answer = []\nwhile True: answer.append(bytes(1 << 22))"


def kill_server(provider):
    with provider.servers.borrow(Flavour.PYTHON) as tried:
        os.killpg(tried.server.pid, signal.SIGKILL)


@pytest.fixture
def pool():
    provider = LocalProvider()
    with Pool(provider, workers=2) as pool:
        pool.provider = provider
        yield pool
    provider.close()


def run(session, source):
    return session.call("run", {"source": source}, 1.0)


def test_hangs_and_memory_hogs_delay_only_themselves(pool):
    sources = [f"answer = {n}" for n in range(100)]
    sources[10], sources[20], sources[30] = HANG, HOG, HANG
    limits = Limits(memory_bytes=1 << 30)
    pool.run(PROGRAM, ["answer = 0"], run)  # start the server
    start = time.monotonic()
    replies = pool.run(PROGRAM, sources, run, limits)
    assert time.monotonic() - start < 12  # two hangs of 1 s, side by side, and 0.5 s of work
    assert [replies[n].outcome for n in (10, 20, 30)] == [
        Outcome.TIMEOUT,
        Outcome.OOM,
        Outcome.TIMEOUT,
    ]
    assert all(replies[n].value == n for n in range(100) if n not in (10, 20, 30))


def test_a_server_killed_in_the_middle_costs_no_job_and_none_is_scored_twice(pool):
    done, killed = [], threading.Event()

    def work(session, number):
        reply = session.call("run", {"source": f"answer = {number}"}, 5.0)
        if number == 20 and not killed.is_set():
            killed.set()
            kill_server(pool.provider)
        done.append(number)
        return reply.value

    results = pool.run(PROGRAM, range(60), work)
    assert results == list(range(60))
    assert pool.provider.failures == 1 and pool.dead_servers == 0
    assert set(done) == set(range(60))


def test_a_call_during_which_the_server_dies_is_tried_once_more(pool):
    attempts = itertools.count()

    def work(session, source):
        if next(attempts) == 0:
            threading.Timer(0.3, kill_server, [pool.provider]).start()
            return session.call("run", {"source": "import time; time.sleep(60)"}, 60)
        return session.call("run", {"source": source}, 5)

    start = time.monotonic()
    [reply] = pool.run(PROGRAM, ["answer = 7"], work)
    assert reply.value == 7 and next(attempts) == 2
    assert time.monotonic() - start < 20


def test_a_job_that_kills_every_server_is_given_up_and_the_others_are_done(pool):
    def work(session, number):
        if number == 5:
            kill_server(pool.provider)
        return session.call("run", {"source": f"answer = {number}"}, 5.0).value

    with Pool(pool.provider, workers=1) as one_by_one:
        results = one_by_one.run(PROGRAM, range(10), work)
    assert isinstance(results[5], Failed)
    assert results[5].outcome is Outcome.INFRA_ERROR and not results[5].outcome.is_scored
    assert [result for n, result in enumerate(results) if n != 5] == [0, 1, 2, 3, 4, 6, 7, 8, 9]


def test_after_three_dead_servers_in_a_row_the_batch_is_given_up(pool, monkeypatch):
    starts = itertools.count()

    def start_server(flavour):
        next(starts)
        raise InfrastructureError("no more processes")

    monkeypatch.setattr(servers, "start_server", start_server)
    results = pool.run(PROGRAM, range(50), lambda session, job: job)
    assert {result.outcome for result in results} == {Outcome.INFRA_ERROR}
    assert "no more processes" in results[0].why and "given up" in results[-1].why
    assert pool.dead_servers >= MOST_DEAD_SERVERS
    assert next(starts) <= MOST_DEAD_SERVERS + 1  # another thread may just have begun
    monkeypatch.undo()
    assert pool.run(PROGRAM, [1], lambda session, job: job) == [1]  # the next batch tries anew
    assert pool.dead_servers == 0


def test_without_a_jail_every_job_is_refused_and_none_is_run(pool, monkeypatch):
    report = SandboxReport(None, (), ())
    monkeypatch.setattr(servers, "start_server", lambda flavour: (None, report))
    results = pool.run(PROGRAM, range(3), lambda session, job: pytest.fail("it ran"))
    assert {result.outcome for result in results} == {Outcome.REFUSED}
    assert "cannot be locked in" in results[0].why


def test_a_mistake_in_the_trusted_work_is_raised_and_leaves_no_process(pool):
    with pytest.raises(ZeroDivisionError):
        pool.run(PROGRAM, range(5), lambda session, job: 1 / 0)
    with pool.provider.servers.borrow(Flavour.PYTHON) as tried:
        server = psutil.Process(tried.server.pid)
    before = len(server.children(recursive=True))
    assert pool.run(PROGRAM, ["answer = 1"], run)[0].value == 1
    assert len(server.children(recursive=True)) == before


def test_a_session_repeats_how_it_ended(pool):
    def work(session, source):
        return [session.call("run", {"source": text}, 0.5) for text in (source, "answer = 1")]

    [(first, second)] = pool.run(PROGRAM, [HANG], work)
    assert first.outcome is second.outcome is Outcome.TIMEOUT
    [(first, second)] = pool.run(PROGRAM, ["1 / 0"], work)
    assert (first.outcome, second.value) == (Outcome.CANDIDATE_ERROR, 1)


def test_a_program_that_does_not_load_is_our_fault(pool):
    broken = Program(Flavour.PYTHON, "import no_such_module")
    [result] = pool.run(broken, [1], run)
    assert isinstance(result, Failed) and "no_such_module" in result.why


def test_no_descriptor_process_or_folder_is_left(pool):
    pool.run(PROGRAM, ["answer = 1"], run)
    with pool.provider.servers.borrow(Flavour.PYTHON) as tried:
        server = tried.server
    before = psutil.Process().num_fds()
    sources = ["answer = 1", "import os; os._exit(1)", "x", "open('file', 'w').write('x')", HANG]
    pool.run(
        PROGRAM, sources * 4, lambda session, source: session.call("run", {"source": source}, 0.2)
    )
    assert psutil.Process().num_fds() == before
    assert [path.name for path in server.cells.iterdir()] == ["neighbour"]  # the probes'
