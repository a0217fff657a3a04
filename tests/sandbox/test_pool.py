"""Many candidates, each in a fresh jailed process: endings of every kind, isolation, faults."""

import pytest

from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.pool import run_jobs
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.session import get_program


def run_all(sources, kind=ServerKind.PYTHON, timeout=5.0, argument=None):
    def work(session, source):
        loaded = session.call("load", {"source": source, "entry_point": "f"}, timeout)
        if loaded.outcome is not Outcome.OK:
            return loaded
        return session.call("run", {"entry_point": "f", "arguments": [argument]}, timeout)

    return run_jobs(get_program("unit_tests", kind), sources, work, workers=3)


def test_values_keep_their_types_in_both_directions_and_their_order():
    value = (1, {2.5, "x"}, [float("inf")], b"\0", {"a": None})
    replies = run_all([f"def f(a): return ({n}, a)" for n in range(20)], argument=value)
    assert [reply.value for reply in replies] == [(n, value) for n in range(20)]
    assert {reply.outcome for reply in replies} == {Outcome.OK}


@pytest.mark.parametrize("kind", ServerKind)
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
def test_every_ending_has_its_name_in_every_kind_of_server(kind, source, outcome, detail):
    timeout = 1.0 if outcome is Outcome.TIMEOUT else 5.0
    [reply] = run_all([source], kind, timeout)
    assert reply.outcome is outcome
    assert detail in reply.detail
    assert reply.value is None
