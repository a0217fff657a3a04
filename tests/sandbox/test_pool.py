"""Many candidates, each in a fresh jailed process: endings of every flavour, isolation, faults."""

import pytest

from rft_core.sandbox.local import LocalProvider
from rft_core.sandbox.pool import Pool
from rft_core.sandbox.provider import Flavour, Outcome, Program

HARNESS = """
import os, time

def run(source, argument=None):
    scope = {"__name__": "candidate"}
    exec(compile(source, CANDIDATE, "exec"), scope)
    return scope["f"](argument)
"""
PYTHON = Program(Flavour.PYTHON, HARNESS)


@pytest.fixture(scope="module")
def provider():
    provider = LocalProvider()
    yield provider
    provider.close()


@pytest.fixture
def pool(provider):
    with Pool(provider, workers=3) as pool:
        yield pool


def run_all(pool, sources, program=PYTHON, timeout=5.0, argument=None):
    def work(session, source):
        return session.call("run", {"source": source, "argument": argument}, timeout)

    return pool.run(program, sources, work)


def test_values_keep_their_types_in_both_directions_and_their_order(pool):
    value = (1, {2.5, "x"}, [float("inf")], b"\0", {"a": None})
    replies = run_all(pool, [f"def f(a): return ({n}, a)" for n in range(20)], argument=value)
    assert [reply.value for reply in replies] == [(n, value) for n in range(20)]
    assert {reply.outcome for reply in replies} == {Outcome.OK}


@pytest.mark.parametrize("flavour", Flavour)
@pytest.mark.parametrize(
    ("source", "outcome", "detail"),
    [
        ("def f(a):\n    return x", Outcome.CANDIDATE_ERROR, "name 'x' is not defined (line 2)"),
        ("x = (", Outcome.CANDIDATE_ERROR, "SyntaxError: '(' was never closed (line 1)"),
        ("import sys; sys.exit(0)", Outcome.CANDIDATE_ERROR, "sys.exit()"),
        ("import os; os._exit(0)", Outcome.KILLED, "exit code 0"),
        ("import ctypes; ctypes.string_at(0)", Outcome.KILLED, "SIGSEGV"),
        ("while True: pass", Outcome.TIMEOUT, "longer than 1 s"),
        ("x = bytearray(1 << 40)", Outcome.OOM, "MemoryError"),
        ("import os\nwhile True: os.write(4, b'xxxx' * 9999)", Outcome.OUTPUT_LIMIT, "too large"),
        ("import os; os.write(4, b'\\0\\0\\0\\2{}')", Outcome.KILLED, ""),
    ],
)
def test_every_ending_has_its_name_in_every_flavour(pool, flavour, source, outcome, detail):
    timeout = 1.0 if outcome is Outcome.TIMEOUT else 5.0
    [reply] = run_all(pool, [source], Program(flavour, HARNESS), timeout)
    assert reply.outcome is outcome
    assert detail in reply.detail
    assert reply.value is None
