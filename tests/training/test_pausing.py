"""A run pauses where the sandbox fails too often or nothing can be scored, not for odd failures."""

import os
import re
import signal
import threading

import pytest

from rft_core.rewards.contract import (
    PYTHON_GRADER,
    Batch,
    FunctionReport,
    RewardEntry,
    RewardSet,
    Scored,
)
from rft_core.rewards.jailed.user_function import SourceProcess
from rft_core.rewards.sampled_batch import SampledBatch, summarise
from rft_core.rewards.scorer import Scorer
from rft_core.sandbox import servers
from rft_core.sandbox.outcome import InfrastructureError
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.servers import SERVERS
from rft_core.training.batch_records import find_reason_to_pause

pytestmark = pytest.mark.usefixtures("fresh_servers")  # which are made to fail here
ROW = {"entry_point": "f", "tests": [[[1], 1]]}
HONEST = "def f(x):\n    return x\n"


SANDBOXED = [
    RewardEntry("tests", "unit_tests"),
    RewardEntry("mine", "python", source="def mine(completions):\n    return [1.0] * 8\n"),
    RewardEntry("math", "math_equivalence"),
    RewardEntry("schema", "schema"),
    RewardEntry("regex", "regex", options={"pattern": "a"}),
]


def start_no_server(kind: object) -> None:
    raise InfrastructureError("no more processes")


def make_batch(count: int, failed: int, dead_servers: int) -> SampledBatch:
    samples = [
        Scored({"tests": None}, None, {"tests": "Not scored: the fork server is gone."})
        if index < failed
        else Scored({"tests": 1.0}, 1.0, {"tests": ""})
        for index in range(count)
    ]
    report = FunctionReport(
        "tests", 0.0, unscored_by_us=tuple(range(failed)), dead_servers=dead_servers
    )
    texts = [""] * count
    return SampledBatch(range(count), texts, [[]] * count, [False] * count, samples, [report])


@pytest.mark.parametrize(
    ("failed", "dead_servers", "pauses"),
    [(0, 0, False), (5, 0, False), (6, 0, True), (5, 2, False), (1, 3, True)],
)
def test_more_than_one_in_a_hundred_failures_or_three_dead_servers_in_a_row_pause(
    failed: int, dead_servers: int, pauses: bool
) -> None:
    reason = find_reason_to_pause(make_batch(512, failed, dead_servers))
    assert bool(reason) is pauses
    if pauses:
        assert f"failed on {failed} of 512 completions (samples 0" in reason
        assert f"{dead_servers} of its servers died in a row" in reason


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise ValueError('no gold')", "could be scored (f: .*no gold.*Mend the rewards"),
        ("return [None] * len(completions)", "every reward function returned None"),
        ("return [None] * (len(completions) - 1) + [0.0]", ""),
        ("return [0.0] * len(completions)", ""),
    ],
)
def test_a_step_of_which_nothing_could_be_scored_pauses(body: str, why: str) -> None:
    source = f"def f(completions, **columns):\n    {body}"
    with Scorer(RewardSet((RewardEntry("f", PYTHON_GRADER, source=source),))) as scorer:
        scoring = scorer.score(Batch([[]] * 4, ["a"] * 4, [{}] * 4))
    batch = SampledBatch(
        range(4), ["a"] * 4, [[]] * 4, [False] * 4, scoring.samples, scoring.reports
    )
    reason = find_reason_to_pause(batch)
    assert re.search(why.replace("(", r"\("), reason) if why else reason == ""


@pytest.mark.parametrize("entry", SANDBOXED, ids=[entry.grader for entry in SANDBOXED])
def test_servers_that_die_in_a_row_are_reported_with_the_completions(
    entry: RewardEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = Batch([[]] * 8, [HONEST] * 8, [ROW] * 8)
    with Scorer(RewardSet((entry, RewardEntry("length", "length")))) as scorer:
        monkeypatch.setattr(servers, "start_server", start_no_server)
        assert scorer.sandbox_tier is None
        for _ in range(2):
            scoring = scorer.score(batch)
        report = scoring.reports[0]
        assert report.unscored_by_us == tuple(range(8)) and report.dead_servers >= 3
        assert [s.scores for s in scoring.samples] == [{entry.name: None, "length": 1.0}] * 8
        monkeypatch.undo()
        report = scorer.score(batch).reports[0]
        assert report.unscored_by_us == () and report.dead_servers == 0


def test_a_server_that_dies_under_a_function_counts_until_the_next_answer() -> None:
    slow = "import time\ndef f(completions):\n    time.sleep(60)"
    quick = "def f(completions):\n    return [1.0]"
    keywords = {"completions": ["x"], "global_step": None}
    first, second = SourceProcess(slow), SourceProcess(quick)
    first.load(10)
    with SERVERS.borrow(ServerKind.PYTHON) as tried:
        threading.Timer(0.1, os.killpg, (tried.server.pid, signal.SIGKILL)).start()
    failure = first.call("f", keywords, 30).failure
    assert failure and failure.ours
    assert SERVERS.dead_in_a_row == 1
    assert second.call("f", keywords, 10).values == [1.0]
    assert SERVERS.dead_in_a_row == 0
    first.close()
    second.close()


def test_four_thousand_repetitions_show_in_the_lengths_and_the_flags() -> None:
    text = "so " * 4000
    rewards = RewardSet((RewardEntry("length", "length", options={"target": 3}),))
    with Scorer(rewards) as scorer:
        scoring = scorer.score(Batch([[]] * 2, [text, "so"], [{}] * 2))
    ids = [range(4000), range(1)]
    batch = SampledBatch([0, 0], [text, "so"], ids, [False] * 2, scoring.samples, scoring.reports)
    metrics = summarise(batch, ["length"], 2)
    assert metrics["completions/mean_length"] == 2000.5
    assert metrics["flagged"] == 0.5 and "repetition" in scoring.samples[0].flags
