"""Every known way to cheat unit tests, and the honest twins that keep their score.

The programs lie in `tests/cases/programs/`, one a file; a hack found later becomes another there.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from rft_core.rewards.code.unit_tests import UnitTests
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet, Scored
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.scorer import Scorer
from rft_core.sandbox import programs as programs_of_ours
from rft_core.sandbox.outcome import DeadlineError
from rft_core.sandbox.pipes import Pipes
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.servers import SERVERS

CASES = Path(__file__).resolve().parents[2] / "cases" / "programs"
ROW = {
    "prompt": "Return the numbers in ascending order, each once.",
    "entry_point": "unique",
    "tests": [[[[3, 1, 3]], [1, 3]], [[[]], []]],
    "hidden_tests": [[[[5, 4, 4, 9]], [4, 5, 9]], [[[2, 2, 2]], [2]], [[[-1, -3]], [-3, -1]]],
    "reference": "def unique(numbers):\n    return sorted(set(numbers))\n",
    "inputs": [{"kind": "list", "of": {"kind": "int", "low": -5, "high": 5}}],
}
HONEST = "def unique(numbers):\n    return sorted(set(numbers))\n"


def score_with(scorer: Scorer, *completions: str, row=ROW) -> list[Scored]:
    count = len(completions)
    return list(scorer.score(Batch([[]] * count, completions, [row] * count)).samples)


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    options = {"seconds": 1.0}
    with Scorer(RewardSet((RewardEntry("tests", "unit_tests", options=options),))) as opened:
        yield opened


RESULT = "def unique(numbers):\n    return {}\n"
UNREADABLE = {  # what no file can hold
    "a syntax error": "def unique(numbers:\n    return []\n",
    "NUL in the source": f"{HONEST}\0",
    "a lone surrogate in the source": "# \ud800\n" + RESULT.format("None"),
    "a line of 50,000 parentheses": f"x = {'(' * 50_000}\n{HONEST}",
    "a program of a megabyte": f"{HONEST}# {'x' * 1_000_000}",
    "nothing at all": "",
}


def read_programs(kind: str) -> dict[str, str]:
    """The programs kept in a folder, by what their first line says that they show."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((CASES / kind).glob("*.py"))]
    return {text.partition("\n")[0].removeprefix("# "): text for text in texts}


CHEATS = {**read_programs("cheats"), **UNREADABLE}
REACHING_OUT = read_programs("reaching_out")
HONEST_TWINS = {
    **read_programs("honest"),
    "with umlauts and \\r\\n": HONEST.replace("\n", "\r\n") + "# größte zuletzt 🎈\r\n",
}
BY_HEART = CHEATS["the visible tests by heart"]
ENDLESS = CHEATS["clocks, alarms and limits patched, then a hang"]


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_earns_nothing_and_harms_nobody(scorer: Scorer, name: str) -> None:
    before, cheat, after = score_with(scorer, HONEST, f"```python\n{CHEATS[name]}\n```", HONEST)
    assert cheat.reward == 0.0, cheat.reasons
    assert before.reward == after.reward == 1.0


@pytest.mark.parametrize("name", REACHING_OUT)
def test_reaching_out_is_blocked_flagged_and_not_paid_even_beside_right_results(
    scorer: Scorer, name: str
) -> None:
    [cheat] = score_with(scorer, REACHING_OUT[name])
    assert cheat.reward == 0.0
    assert any(flag.startswith("blocked_") for flag in cheat.flags), cheat
    assert "no program may" in cheat.reasons["tests"]


def test_the_environment_holds_no_secret(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    source = "import os\n" + RESULT.format(
        "'sk-secret' if 'OPENAI_API_KEY' in os.environ else 'no'"
    )
    [sample] = score_with(scorer, source)
    assert "'no'" in sample.reasons["tests"]


def test_hard_coding_the_visible_tests_is_flagged_and_seen_in_the_gap(scorer: Scorer) -> None:
    batch = Batch([[]] * 2, [BY_HEART, HONEST], [ROW] * 2)
    scoring = scorer.score(batch)
    assert scoring.samples[0].flags == ("hard_coded",) and scoring.samples[1].flags == ()
    metrics = scoring.reports[0].metrics
    assert metrics["visible"] == 1.0 and metrics["hidden"] < 0.75
    assert metrics["gap"] == pytest.approx(metrics["visible"] - metrics["hidden"])


def test_hard_coding_all_tests_of_the_row_fails_the_random_ones(scorer: Scorer) -> None:
    known = {tuple(a[0]): e for a, e in ROW["tests"] + ROW["hidden_tests"]}
    cheat = f"KNOWN = {known}\n" + RESULT.format("KNOWN.get(tuple(numbers), [])")
    [sample] = score_with(scorer, cheat)
    assert sample.reward == 0.0


@pytest.mark.parametrize("name", HONEST_TWINS)
def test_an_honest_program_earns_everything(scorer: Scorer, name: str) -> None:
    [sample] = score_with(scorer, f"```python\n{HONEST_TWINS[name]}```")
    assert sample.reward == 1.0 and sample.flags == (), sample.reasons


def test_one_hang_costs_its_own_time_alone(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped once and never asked again; every other program gets its own calls."""
    score_with(scorer, HONEST)  # the server has started
    hangs: list[float] = []

    def counted(pipes: Pipes, request: bytes, timeout: float) -> Any:
        try:
            return exchange(pipes, request, timeout)
        except DeadlineError:
            hangs.append(timeout)
            raise

    exchange = Pipes.exchange
    monkeypatch.setattr(Pipes, "exchange", counted)
    samples = score_with(scorer, ENDLESS, *[HONEST] * 8)
    assert [sample.reward for sample in samples] == [0.0] + [1.0] * 8
    assert "longer than 1 s" in samples[0].reasons["tests"]
    assert hangs == [1.0]


@pytest.mark.usefixtures("fresh_servers")
def test_many_hangs_leave_no_honest_program_without_its_time() -> None:
    options, hang = {"seconds": 0.5}, "def unique(numbers):\n    while True: pass\n"
    with Scorer(
        RewardSet((RewardEntry("tests", "unit_tests", options=options),)), timeout=0.5
    ) as s:
        samples = score_with(s, *[hang] * 16, HONEST)
    assert [sample.reward for sample in samples] == [0.0] * 16 + [1.0]


def test_a_program_has_four_times_the_limit_of_a_test_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = (
        "import time\ndef unique(numbers):\n    time.sleep(0.3)\n    return sorted(set(numbers))\n"
    )
    options = {"seconds": 0.4, "random_cases": 0}
    row = {**ROW, "hidden_tests": ROW["hidden_tests"] * 20}
    asked: list[float] = []
    exchange = Pipes.exchange

    def counted(pipes: Pipes, request: bytes, timeout: float) -> Any:
        asked.append(timeout)
        return exchange(pipes, request, timeout)

    monkeypatch.setattr(Pipes, "exchange", counted)
    with Scorer(RewardSet((RewardEntry("tests", "unit_tests", options=options),))) as scorer:
        [sample] = score_with(scorer, slow, row=row)
    assert sample.reward == 0.0
    assert sum(limit <= 0.4 for limit in asked) <= 1 + 1.6 / 0.3 + 1  # load, four limits, the last


def test_partial_credit_is_the_share_of_the_tests_unless_they_were_known_by_heart() -> None:
    options = {"partial": True, "random_cases": 0}
    half = "def unique(numbers):\n    return sorted(numbers)\n"
    with Scorer(RewardSet((RewardEntry("tests", "unit_tests", options=options),))) as scorer:
        samples = score_with(scorer, HONEST, half, BY_HEART)
    assert [sample.reward for sample in samples] == [1.0, pytest.approx(2 / 5), 0.0]
    assert samples[1].reasons["tests"] == (
        "It passes 2 of 5 tests; test 1: it is [1, 3, 3], not [1, 3]."
    )


FIBONACCI = {
    "entry_point": "fibonacci",
    "tests": [[[5], 5], [[6], 8]],
    "hidden_tests": [[[60], 1548008755920], [[10], 55], [[7], 13]],
}
SLOW = "def fibonacci(n):\n    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)\n"
HUNGRY = "def fibonacci(n):\n    return [n, *bytearray(1 << 40)] if n > 50 else {5: 5, 6: 8}[n]\n"


@pytest.mark.parametrize("program", [SLOW, HUNGRY])
def test_too_slow_or_too_large_is_no_proof_of_cheating_nor_of_honesty(program) -> None:
    entries = [
        RewardEntry(name, "unit_tests", options={"seconds": 0.5, "partial": name == "partial"})
        for name in ("whole", "partial")
    ]
    with Scorer(RewardSet(tuple(entries))) as scorer:
        scoring = scorer.score(Batch([[]], [program], [FIBONACCI]))
    [sample] = scoring.samples
    assert sample.flags == ()
    assert sample.scores == {"whole": 0.0, "partial": 0.0}
    assert "gap" not in scoring.reports[0].metrics


def test_a_slow_program_keeps_the_share_that_it_earned_on_hidden_tests() -> None:
    row = FIBONACCI | {"hidden_tests": FIBONACCI["hidden_tests"][::-1]}
    entry = RewardEntry("tests", "unit_tests", options={"seconds": 0.5, "partial": True})
    with Scorer(RewardSet((entry,))) as scorer:
        [sample] = score_with(scorer, SLOW, row=row)
    assert (sample.reward, sample.flags) == (pytest.approx(4 / 5), ())


def test_wrong_results_before_the_time_is_up_still_show_what_was_known_by_heart() -> None:
    by_heart = "def fibonacci(n):\n    return {5: 5, 6: 8}.get(n)\n"
    hangs = "def fibonacci(n):\n    while n == 10: pass\n    return {5: 5, 6: 8}.get(n)\n"
    ends = "import os\ndef fibonacci(n):\n    return {5: 5, 6: 8}.get(n) or os._exit(0)\n"
    entry = RewardEntry("tests", "unit_tests", options={"seconds": 0.5, "partial": True})
    with Scorer(RewardSet((entry,))) as scorer:
        samples = score_with(scorer, by_heart, hangs, ends, row=FIBONACCI)
    assert [(sample.reward, sample.flags) for sample in samples] == [(0.0, ("hard_coded",))] * 3


def test_random_cases_are_the_same_for_a_group_and_others_in_the_next_step() -> None:
    guess = "def unique(numbers):\n    return None\n"
    row = {"entry_point": "unique", "reference": ROW["reference"], "inputs": ROW["inputs"]}
    options = {"random_cases": 1}
    with Scorer(RewardSet((RewardEntry("tests", "unit_tests", options=options),))) as scorer:
        reasons = []
        for step in range(6):
            batch = Batch([[]] * 3, [guess] * 3, [row, dict(row), row])
            samples = scorer.score(batch, global_step=step).samples
            assert len({sample.reasons["tests"] for sample in samples}) == 1
            reasons.append(samples[0].reasons["tests"])
    assert len(set(reasons)) > 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"entry_point": "no name"}, "'entry_point' is not the name"),
        ({"entry_point": None, "tests": []}, "'entry_point' is not the name"),
        ({"tests": "[[["}, "'tests' is not a list"),
        ({"tests": [[1, 2, 3]]}, "test 1 of 'tests' cannot be used"),
        ({"hidden_tests": [[1, 2]]}, "test 1 of 'hidden_tests' cannot be used: its arguments"),
        ({"tests": ["assert other(1) == 2"]}, "it calls 'other'"),
        ({"tests": [], "hidden_tests": [], "reference": None}, "The row has no tests"),
        ({"reference": "def unique(numbers): raise ValueError"}, "'reference' gives no result"),
        ({"inputs": [{"kind": "matrix"}]}, "'inputs' cannot be used"),
        ({"inputs": [{"kind": "choice", "of": []}]}, "'inputs' cannot be used"),
        ({"inputs": ["int"]}, "'inputs' cannot be used"),
    ],
)
def test_a_row_that_cannot_be_used_is_unscored_and_says_why(scorer, change, why) -> None:
    [sample] = score_with(scorer, HONEST, row={**ROW, **change})
    assert sample.reward is None and why in sample.reasons["tests"], sample.reasons


def test_a_row_that_cannot_be_used_is_no_death_of_a_process(scorer: Scorer) -> None:
    row = {**ROW, "tests": [], "hidden_tests": [], "reference": None}
    [report] = scorer.score(Batch([[]], [HONEST], [row])).reports
    assert report.error_kind == "unusable" and "no tests" in str(report.error)


def test_tests_may_be_assert_lines_and_json_texts(scorer: Scorer) -> None:
    row = {"tests": ["assert unique([2, 1, 2]) == [1, 2]", "assert candidate([]) == []"]}
    text = {"entry_point": "unique", "tests": "[[[[2, 1, 2]], [1, 2]]]", "hidden_tests": None}
    assert [score_with(scorer, HONEST, row=each)[0].reward for each in (row, text)] == [1.0, 1.0]


def test_no_expected_value_is_ever_sent_to_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "entry_point": "find",
        "tests": [[["question 1"], "EXPECTED 1"]],
        "hidden_tests": [[["question 2"], "EXPECTED 2"]],
    }
    sent: list[bytes] = []
    exchange = Pipes.exchange

    def noting(pipes: Pipes, request: bytes, timeout: float) -> dict[str, Any]:
        sent.append(request)
        return exchange(pipes, request, timeout)

    monkeypatch.setattr(Pipes, "exchange", noting)
    grader = UnitTests(RewardEntry("tests", "unit_tests"), GraderContext())
    [grade], _ = grader.score(Batch([[]], ["def find(text): return text"], [row]), 30)
    assert grade.score == 0.0
    programs = Path(programs_of_ours.__file__).parent.glob("*.py")
    sent += [path.read_bytes() for path in programs]  # what stands beside it is these texts
    assert any(b"question 2" in text for text in sent)
    assert not any(b"EXPECTED" in text for text in sent)


IMPORTS = {
    "torch": "import torch\ndef unique(numbers):\n"
    "    return torch.unique(torch.tensor(numbers, dtype=torch.int64)).tolist()\n",
    "pandas": "import pandas\ndef unique(numbers):\n"
    "    return sorted(pandas.Series(numbers, dtype=int).unique().tolist())\n",
}


@pytest.mark.parametrize("library", IMPORTS)
def test_a_library_costs_no_time_of_the_program_that_imports_it(library: str) -> None:
    """Each takes longer to import than the whole program has."""
    with Scorer(
        RewardSet((RewardEntry("tests", "unit_tests", options={"seconds": 0.1}),))
    ) as scorer:
        [sample] = score_with(scorer, IMPORTS[library])
    assert sample.reward == 1.0, sample.reasons


def test_waiting_for_a_busy_processor_is_not_the_programs_own_time() -> None:
    """Beside six endless loops on one processor it is late by the clock, and not by itself."""
    [processor, *_] = before = sorted(os.sched_getaffinity(0))
    source = (
        "def unique(numbers):\n    total = 0\n"
        "    for n in range(3_000_000): total += n\n    return sorted(set(numbers))\n"
    )
    start = time.perf_counter()
    exec(source + "unique([1])", {})
    own = time.perf_counter() - start
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(6)]
    options = {"seconds": max(4 * own, 0.2), "random_cases": 0}
    row = {**ROW, "tests": ROW["tests"][:1], "hidden_tests": []}
    try:
        for loop in loops:
            os.sched_setaffinity(loop.pid, {processor})
        with Scorer(RewardSet((RewardEntry("tests", "unit_tests", options=options),))) as scorer:
            score_with(scorer, HONEST)
            with SERVERS.borrow(ServerKind.PYTHON) as tried:
                for process in psutil.Process(tried.server.pid).children(recursive=True):
                    os.sched_setaffinity(process.pid, {processor})
            start = time.perf_counter()
            [slow] = score_with(scorer, source, row=row)
            wall = time.perf_counter() - start
            endless = score_with(scorer, "def unique(numbers):\n    while True: pass\n", row=row)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
        SERVERS.close()
        os.sched_setaffinity(0, before)
    assert slow.reward == 1.0, (slow.reasons, wall, options)
    assert [sample.reward for sample in endless] == [0.0]
