"""What users' reward functions get, may return, and cannot break."""

import time

import pytest

from rft_core.rewards.contract import Batch, RewardEntry, RewardSet
from rft_core.rewards.jailed.calls import SHORTEST_TURN
from rft_core.rewards.scorer import Scorer
from rft_core.sandbox import servers
from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.pipes import MOST_WALL
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.tiers import SandboxReport
from tests.rewards.scoring_cases import make_batch, python_set, report, run, scores


def test_a_function_gets_what_trl_would_give_it():
    source = """
def f(prompts, completions, completion_ids, nums, target, trainer_state, **others):
    assert prompts[1] == [{"role": "user", "content": "prompt 1"}], prompts
    assert completions == ["a", "b"] and completion_ids == [[1], [2, 3]]
    assert nums == [[15, 74, 9]] * 2 and target == [50, 50]
    assert trainer_state.global_step == 0 and set(others) == {"log_extra", "log_metric"}, others
    return [1.0, 2.0]
"""
    scoring = run(source, "a", "b", completion_ids=[[1], [2, 3]])
    assert report(scoring).error is None
    assert scores(scoring) == [1.0, 2.0]


def test_a_function_may_take_only_what_it_needs():
    assert scores(run("def f(completions): return [len(c) for c in completions]", "a", "bb")) == [
        1,
        2,
    ]
    assert scores(run("def f(target, completions=None): return target", "a")) == [50]


def test_the_global_step_reaches_the_function():
    source = (
        "def f(completions, trainer_state): return [trainer_state.global_step] * len(completions)"
    )
    with Scorer(python_set(source)) as scorer:
        scoring = scorer.score(make_batch("a"), global_step=7)
    assert scores(scoring) == [7.0]


def test_columns_missing_from_some_rows_are_none():
    source = "def f(completions, hint): return [h for h in hint]"
    assert scores(run(source, "a", "b", rows=[{"hint": 3}, {}])) == [3.0, None]


def test_async_functions_run():
    source = "async def f(completions, **columns): return [0.5] * len(completions)"
    assert scores(run(source, "a")) == [0.5]


def test_reasons_extras_metrics_and_prints_are_kept():
    source = """
def f(completions, log_extra, log_metric, **columns):
    print("hello")
    log_extra("reason", ["because " + c for c in completions])
    log_extra("flag", ["", "trick"])
    log_extra("length", [len(c) for c in completions])
    log_metric("mean", 2)
    return [1.0 for _ in completions]
"""
    scoring = run(source, "a", "b")
    assert [sample.reasons["f"] for sample in scoring.samples] == ["because a", "because b"]
    assert [sample.flags for sample in scoring.samples] == [(), ("trick",)]
    assert report(scoring).stdout == "hello\n"
    assert report(scoring).metrics == {"length": 1.0, "mean": 2.0}
    assert report(scoring).extras["length"] == ["1", "1"]


@pytest.mark.parametrize(
    "returned",
    ["numpy.ones(2)", "numpy.ones(2, dtype=numpy.float32)", "[numpy.float64(1), numpy.int8(1)]",
     "(1, 1)", "iter([1, 1.0])", "[True, False]", "[numpy.bool_(1), True]",
     "[Fraction(1), 1]", "{1: 'a', 2: 'b'}.keys()"],
)  # fmt: skip
def test_numbers_of_every_kind_are_scores(returned):
    source = f"import numpy\nfrom fractions import Fraction\ndef f(completions): return {returned}"
    scoring = run(source, "a", "b")
    assert report(scoring).error is None
    assert scores(scoring)[0] == 1.0


@pytest.mark.parametrize(
    ("value", "kind"),
    [("float('nan')", "not_finite"), ("float('inf')", "not_finite"), ("-1e999", "not_finite"),
     ("10**400", "not_finite"), ("numpy.float32('nan')", "not_finite"),
     ("'1.0'", "not_a_number"), ("[1]", "not_a_number"),
     ("1j", "not_a_number"), ("numpy.ones(2)", "not_a_number"), ("object()", "not_a_number")],
)  # fmt: skip
def test_what_is_no_finite_number_is_unscored_and_named(value, kind):
    source = f"import numpy\ndef f(completions): return [1.0, {value}, None, 2]"
    scoring = run(source, "a", "b", "c", "d")
    assert scores(scoring) == [1.0, None, None, 2.0]
    assert (report(scoring).error_kind, report(scoring).error_sample) == (kind, 1)
    assert "completion 1" in str(report(scoring).error)


def test_none_means_cannot_judge_and_is_no_error():
    scoring = run("def f(completions): return [None] * len(completions)", "a")
    assert scores(scoring) == [None]
    assert scoring.samples[0].reward is None
    assert report(scoring).error is None


@pytest.mark.parametrize(
    "returned", ["[1.0]", "[1.0] * 3", "[]", "None", "1.0", "'ab'", "{'a': 1}", "iter(int, 1)"]
)
def test_a_wrong_length_scores_nothing(returned):
    scoring = run(f"def f(completions): return {returned}", "a", "b")
    assert scores(scoring) == [None, None]
    assert report(scoring).error_kind == "wrong_length"
    assert "2" in str(report(scoring).error)


def test_an_exception_names_the_sample_and_the_line_and_scores_the_others():
    source = """
def _inner(text):
    return 1 / len(text)

def f(completions, **columns):
    return [_inner(text) for text in completions]
"""
    scoring = run(source, "a", "bb", "", "dddd")
    assert scores(scoring) == [1.0, 0.5, None, 0.25]
    found = report(scoring)
    assert (found.error_kind, found.error_sample, found.error_line) == ("exception", 2, 3)
    assert "return 1 / len(text)" in found.traceback
    assert "reward_source.py" not in found.traceback


def test_an_exception_of_the_whole_batch_scores_nothing():
    source = """
def f(completions, **columns):
    if len(completions) > 1:
        raise ValueError("too many")
    return [1.0]
"""
    scoring = run(source, "a", "b")
    assert scores(scoring) == [None, None]
    assert report(scoring).error_sample is None
    assert "too many" in str(report(scoring).error)


HANGS = {
    "a loop": "while True: pass",
    "a sleep": "import time; time.sleep(1000)",
    "a wait that ignores signals": "import signal, threading; "
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); threading.Event().wait()",
    "a regular expression": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
}


@pytest.mark.parametrize("action", HANGS.values(), ids=HANGS.keys())
def test_a_hang_is_killed_and_named_and_the_others_are_scored(action):
    source = f"""
def f(completions, **columns):
    for text in completions:
        if text == "bad":
            {action}
    return [1.0] * len(completions)
"""
    start = time.monotonic()
    scoring = run(source, "a", "bad", "c", timeout=1.5)
    assert scores(scoring) == [1.0, None, 1.0]
    assert (report(scoring).error_kind, report(scoring).error_sample) == ("hang", 1)
    assert "longer than 1.5 s" in str(report(scoring).error)
    turns = 1.5 + 3 * SHORTEST_TURN
    assert time.monotonic() - start < MOST_WALL * turns  # by the clock on the wall


def test_when_every_completion_hangs_the_time_is_still_bounded():
    assert SHORTEST_TURN == 0.5

    def measure(count: int) -> float:
        start = time.monotonic()
        scoring = run("def f(completions):\n    while True: pass", *("a" * count), timeout=1)
        assert scores(scoring) == [None] * count
        return time.monotonic() - start

    one = measure(1)  # a second for the call, and one for the lone completion
    assert measure(8) < 4 * one  # a second, and half a one for each: 2.5 times as long


def test_many_that_hang_take_no_score_from_those_that_come_after_them():
    source = """
def f(completions):
    while "bad" in completions:
        pass
    return [1.0] * len(completions)
"""
    assert scores(run(source, *["bad"] * 4, "a", "b", timeout=1)) == [None] * 4 + [1.0] * 2


DEATHS = {
    "os._exit": "import os; os._exit(0)",
    "a segmentation fault": "import ctypes; ctypes.string_at(0)",
    "a kill": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "an abort": "import os; os.abort()",
    "closed descriptors": "import os; os.closerange(3, 200); raise SystemExit",
}


@pytest.mark.parametrize("action", DEATHS.values(), ids=DEATHS.keys())
def test_a_death_is_unscored_and_named_never_zero(action):
    source = f"""
def f(completions, **columns):
    if "bad" in completions:
        {action}
    return [1.0] * len(completions)
"""
    scoring = run(source, "a", "bad", "c")
    assert scores(scoring) == [1.0, None, 1.0]
    assert (report(scoring).error_kind, report(scoring).error_sample) == ("died", 1)


def test_sys_exit_and_too_much_memory_are_exceptions_of_one_sample():
    source = """
import sys
def f(completions, **columns):
    if "exit" in completions:
        sys.exit(0)
    if "memory" in completions:
        bytearray(1 << 40)
    return [1.0] * len(completions)
"""
    scoring = run(source, "exit", "a", "memory")
    assert scores(scoring) == [None, 1.0, None]
    assert "sys.exit" in str(report(scoring).error)


def test_ten_megabytes_of_prints_do_no_harm():
    source = """
import os, sys
def f(completions):
    print("x" * 10_000_000)
    for _ in range(20_000):
        print("flood", file=sys.stderr)
    os.write(1, b"\\xff\\xfe")
    return [1.0]
"""
    scoring = run(source, "a")
    assert scores(scoring) == [1.0]
    assert len(report(scoring).stdout) < 70_000
    assert "left out" in report(scoring).stdout


def test_a_missing_module_is_explained():
    found = report(run("import no_such_package\ndef f(completions): return [1.0]", "a", "b"))
    assert found.error_kind == "exception"
    assert (found.error_line, found.error_sample) == (1, None)
    assert "'no_such_package', which is not installed" in str(found.error)


def test_a_syntax_error_names_its_line():
    found = report(run("def f(completions):\n    return [", "a"))
    assert (found.error_kind, found.error_line) == ("syntax", 2)


def test_a_function_that_is_not_there_is_said_so():
    assert "no function named 'f'" in str(
        report(run("def g(completions): return [1.0]", "a")).error
    )


def test_state_lives_from_batch_to_batch():
    source = """
calls = 0
def f(completions):
    global calls
    calls += 1
    return [calls] * len(completions)
"""
    with Scorer(python_set(source)) as scorer:
        found = [scores(scorer.score(make_batch("a"))) for _ in range(3)]
    assert found == [[1.0], [2.0], [3.0]]


def test_texts_that_json_and_utf8_find_hard_arrive_unchanged():
    texts = ["\x00", "\ud800", "😀", '"\\', "\u2028", "\r\n"]
    source = f"def f(completions): return [float(completions == {texts!r})] * len(completions)"
    assert scores(run(source, *texts)) == [1.0] * len(texts)


def test_a_metrics_name_is_short_and_printable():
    source = """
def f(completions, log_metric, **columns):
    log_metric("m" * 5000, 1)
    log_metric("two\\nlines\\x1b[31m", 2)
    log_metric("", 3)
    log_metric("mean length", 4)
    return [1] * len(completions)
"""
    metrics = report(run(source, "a")).metrics
    cut = "m" * 57 + "… (cut)"
    assert metrics == {cut: 1, "two?lines?[31m": 2, "unnamed": 3, "mean length": 4}
    assert all(len(name) <= 64 for name in metrics)


@pytest.mark.usefixtures("fresh_servers")
def test_a_server_that_has_yet_to_start_takes_none_of_the_functions_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start_slowly(kind: ServerKind) -> tuple[ForkServer | None, SandboxReport]:
        time.sleep(1.5)
        return start(kind)

    start = servers.start_server
    monkeypatch.setattr(servers, "start_server", start_slowly)
    source = "def one(completions, **columns):\n    return [1.0 for _ in completions]\n"
    entries = (
        RewardEntry("one", "python", source=source),
        RewardEntry("digits", "regex", options={"pattern": "[0-9]+"}),
        RewardEntry("program", "program_answer", options={"seconds": 0.5}),
    )
    with Scorer(RewardSet(entries), timeout=0.9) as scorer:
        scoring = scorer.score(Batch([[]], ["answer = 7"], [{"answer": 7}]))
    assert [report.error for report in scoring.reports] == [None] * 3
    assert scoring.samples[0].scores == {"one": 1.0, "digits": 1.0, "program": 1.0}
