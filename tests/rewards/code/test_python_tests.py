"""Published tests run as Python has them, and no program comes near what they expect."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rft_core.sandbox.programs as programs_of_ours
from rft_core.rewards.code import python_tests
from rft_core.rewards.code.python_tests import find_function, read_python_test, split_check
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet, Scored
from rft_core.rewards.scorer import Scorer
from rft_core.sandbox.pipes import Pipes


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    entry = RewardEntry("tests", "unit_tests", options={"seconds": 1.0})
    with Scorer(RewardSet((entry,))) as opened:
        yield opened


def score(scorer: Scorer, test: str, program: str, **row: Any) -> Scored:
    row = {"entry_point": "f", "tests": [], "hidden_tests": [test], **row}
    [sample] = scorer.score(Batch([[]], [f"```python\n{program}\n```"], [row])).samples
    return sample


MATCH = "import re\ndef f(text): return re.search('b', text)"
GENERATOR = "def f(n):\n    for i in range(n): yield i"
SORTS = "def f(xs): xs.sort()"
RAISES = "def f(n):\n    if n < 0: raise ValueError('below 0')\n    return n"
RAISES_TEST = """
try:
    f(-1)
except ValueError as error:
    assert 'below' in str(error)
else:
    assert False
"""

HOLDS = [
    ("assert f(3) == False", "def f(n): return 0"),
    ("assert f(3) == True", "def f(n): return 1"),
    ("assert f(3) == 0", "def f(n): return False"),
    ("assert f(3) == 2", "def f(n): return 2.0"),
    ("assert f(3) == 0.3", "def f(n): return 0.1 + 0.2"),
    ("assert f(3) == [True, {'a': 1.5}]", "def f(n): return [1, {'a': 1.5000001}]"),
    ("assert f('ab')", MATCH),
    ("assert f('ab')", "def f(text): return [0]"),
    ("assert not f('ab')", "def f(text): return None"),
    ("assert not f('ab')", "def f(text): return ''"),
    ("assert not f('cd')", MATCH),
    ("assert f(3)", "class A: pass\ndef f(n): return A()"),
    ("assert f(3) is None", "def f(n): pass"),
    ("assert f(3) is True", "def f(n): return n == 3"),
    ("assert f('ab') and True", MATCH),
    ("assert f('ab') is not None", MATCH),
    ("assert list(f(3)) == [0, 1, 2]", GENERATOR),
    ("xs = [3, 1]\nf(xs)\nassert xs == [1, 3]", SORTS),
    (RAISES_TEST, RAISES),
    ("assert f(int) == 'int'", "def f(kind): return kind.__name__"),
    ("def check(candidate):\n    assert candidate(2) == 2", "def f(n): return n"),
]


@pytest.mark.parametrize(("test", "program"), HOLDS)
def test_what_python_says_holds_is_paid(scorer, test, program):
    sample = score(scorer, test, program)
    assert (sample.reward, sample.flags) == (1.0, ()), sample.reasons


BREAKS = [
    ("assert f(3) == False", "def f(n): return None"),
    ("assert f(3) == True", "def f(n): return 2"),
    ("assert f(3) is True", "def f(n): return 1"),
    ("assert f(3) is None", "def f(n): return 0"),
    ("assert f(3) == [1, 2]", "def f(n): return (1, 2)"),
    ("assert f(3) == (1, 2)", "def f(n): return [1, 2]"),
    ("assert f(3) == 2", "def f(n): return '2'"),
    ("assert f(3) == 0.3", "def f(n): return 0.3001"),
    ("assert f('cd')", MATCH),
    ("assert f(3)", "def f(n): return []"),
    ("assert not f(3)", "class A: pass\ndef f(n): return A()"),
    ("assert f(3) == 3", "class A:\n    def __eq__(self, o): return True\ndef f(n): return A()"),
    ("assert abs(f(3) - 3) < 1", "from unittest.mock import MagicMock\n"
     "def f(n): return MagicMock()"),
    ("assert f(3) in (3, 4)", "from unittest.mock import ANY\ndef f(n): return ANY"),
    ("assert sorted(f(3)) == [3]", "def f(n): return 3"),
    ("assert list(f(3)) == [0, 1, 2]", "def f(n): return iter([0, 1])"),
    ("xs = [3, 1]\nf(xs)\nassert xs == [1, 3]", "def f(xs): return sorted(xs)"),
    (RAISES_TEST, "def f(n): return n"),
    (RAISES_TEST, "def f(n): raise KeyError('below')"),
    ("assert [f(3)] == [3]", "import os\ndef f(n): os._exit(0)"),
    ("assert [f(3)] == [3]", "import sys\ndef f(n): sys.exit(0)"),
    ("assert [f(3)] == [3]", "def f(n):\n    while True: pass"),
    ("assert [f(3)] == [3]", "raise SystemExit(0)"),
]  # fmt: skip


@pytest.mark.parametrize(("test", "program"), BREAKS)
def test_what_python_says_is_broken_earns_nothing(scorer, test, program):
    sample = score(scorer, test, program)
    assert sample.reward == 0.0, sample.reasons


def test_pairs_keep_their_exact_types(scorer):
    pair = [[3], False]
    assert score(scorer, pair, "def f(n): return 0").reward == 0.0
    assert score(scorer, pair, "def f(n): return False").reward == 1.0


def test_the_reason_names_the_statement_and_what_the_function_gave(scorer):
    test = "for n in range(3):\n    assert abs(f(n) - n) < 1e-6"
    sample = score(scorer, test, "def f(n): return n if n < 2 else 7")
    why = "'assert abs(f(n) - n) < 1e-6' does not hold: f(2) is 7."
    assert sample.reasons["tests"].endswith(why)


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("assert missing(f(1)) == 1", "uses 'missing', which is defined nowhere"),
        ("import not_there\nassert f(1) == not_there.one", "No module named 'not_there'"),
        ("assert 1 / 0 == f(1)", "fails by itself: ZeroDivisionError"),
        ("assert f(object()) == 1", "what is no plain value"),
        ("assert all(f(n) for n in range(0))\nassert True", "never calls 'f'"),
        ("while True: pass\nassert f(1)", "longer than 1 s"),
    ],
)
def test_a_test_that_says_nothing_of_a_program_is_no_zero(scorer, test, why):
    sample = score(scorer, test, "def f(n): return 1")
    assert sample.reward is None and why in sample.reasons["tests"], sample.reasons


def test_a_test_that_calls_for_ever_is_given_up(scorer, monkeypatch):
    monkeypatch.setattr(python_tests, "MOST_CALLS", 10)
    sample = score(scorer, "while f(1): pass\nassert True", "def f(n): return 1")
    assert sample.reward is None and "more than 10 times" in sample.reasons["tests"]


def test_what_a_test_draws_is_the_same_for_a_group(scorer):
    test = "import random\nassert [f(1)] == [random.random()]"
    reasons = {score(scorer, test, f"def f(n): return {n}").reward for n in range(3)}
    assert reasons == {0.0}
    draws = "import random\nn = random.random()\nassert f(n) == -1"
    row = {"entry_point": "f", "hidden_tests": [draws]}
    samples = scorer.score(Batch([[]] * 2, ["def f(n): return n"] * 2, [row] * 2)).samples
    assert len({sample.reasons["tests"] for sample in samples}) == 1


def test_neither_the_test_nor_what_it_expects_reaches_the_program(scorer, monkeypatch):
    sent: list[bytes] = []
    exchange = Pipes.exchange

    def noting(pipes: Pipes, request: bytes, timeout: float) -> dict[str, Any]:
        if b'"begin"' not in request:  # what the test's own process gets
            sent.append(request)
        return exchange(pipes, request, timeout)

    monkeypatch.setattr(Pipes, "exchange", noting)
    test = "assert f('question').upper() == 'EXPECTED'  # SECRET"
    assert score(scorer, test, "def f(text): return text").reward == 0.0
    sent += [path.read_bytes() for path in Path(programs_of_ours.__file__).parent.glob("*.py")]
    assert any(b"question" in text for text in sent)
    assert not any(b"EXPECTED" in text or b"SECRET" in text for text in sent)


@pytest.mark.parametrize("depth", [990, 998])
def test_a_program_may_recurse_as_deep_as_python_has_it(scorer, depth):
    program = "def f(n): return 0 if n == 0 else 1 + f(n - 1)"
    row = {"tests": ["assert f(2) == 2"]}
    assert score(scorer, f"assert f({depth}) == {depth}", program, **row).reward == 1.0


def test_a_recursion_that_is_too_deep_is_no_proof_of_cheating(scorer):
    program = "def f(n): return 0 if n == 0 else 1 + f(n - 1)"
    row = {"tests": ["assert f(2) == 2"], "hidden_tests": ["assert f(1500) == 1500"] * 3}
    sample = score(scorer, "", program, **row)
    assert (sample.reward, sample.flags) == (0.0, ()) and "Recursion" in sample.reasons["tests"]
    by_heart = "def f(n):\n    if n == 2: return 2\n    raise ValueError"
    assert score(scorer, "", by_heart, **row).flags == ("hard_coded",)


def test_tests_are_taken_from_a_check_in_order():
    source = "def check(g):\n    assert g(1) == 2\n\n    assert (g(\n        3) == 4)\n"
    assert split_check(source, "f") == ["assert f(1) == 2", "assert f(3) == 4"]
    with pytest.raises(ValueError, match="not Python"):
        split_check("def check(:", "f")
    entangled = "def check(g):\n    for n in (1, 2):\n        assert g(n)\n    assert g(n) == 2\n"
    assert split_check(entangled, "f") == [entangled]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("assert set(f(1)) == {1}", "f"),
        ("assert int(helper(2)) == f(2)", "helper"),
        ("x = 1\nassert abs(x - f(2)) < 1", "f"),
        ("assert sorted([1]) == [1]", None),
    ],
)
def test_the_function_under_test_is_found_in_the_test(text, name):
    assert find_function(text) == name
    if name:
        reference = "def helper(n): return n\ndef f(n): return helper(n)"
        assert find_function(text, "def f(n): return n") == "f"
        assert read_python_test(text, name, reference).text == text
