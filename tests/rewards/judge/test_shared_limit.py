"""One endpoint's limit over several processes, and over what may become of its file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.judge import shared_limit
from rft_core.rewards.judge.judge import JUDGE
from rft_core.rewards.judge.rate_limit import MonotonicClock
from rft_core.rewards.judge.shared_limit import SharedRateLimit
from tests.rewards.judge.test_judge import judge
from tests.rewards.judge.test_rate_limit import most_in_a_window

TAKE_TURNS = """
import json, sys
from pathlib import Path
from rft_core.rewards.judge.rate_limit import MonotonicClock
from rft_core.rewards.judge.shared_limit import SharedRateLimit
limit = SharedRateLimit(Path(sys.argv[1]), requests_per_minute=10)
sys.stdin.readline()  # both begin at once
print(json.dumps([limit.take_turn(1, MonotonicClock().now()).moment for _ in range(40)]))
"""


def test_two_processes_keep_one_limit_together(tmp_path: Path) -> None:
    """Each on its own would send 10 in the first minute."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE_TURNS, str(tmp_path / "limits" / "one.json")],
            cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert [len(moments) for moments in taken] == [40, 40]
    assert most_in_a_window(sorted([*taken[0], *taken[1]])) == 10


def test_what_a_request_has_really_taken_counts_for_the_others(tmp_path: Path) -> None:
    one, other = (SharedRateLimit(tmp_path / "l.json", tokens_per_minute=100) for _ in range(2))
    turn = one.take_turn(80, 1000.0)
    assert other.take_turn(15, 1000.0).moment == 1000.0
    one.settle(turn, 30)
    assert other.take_turn(50, 1001.0).moment == 1001.0
    assert one.take_turn(50, 1002.0).moment == 1060.0
    assert (one.num_requests, other.num_requests) == (2, 2)  # each its own


@pytest.mark.parametrize(
    "content", ["", '{"boot"', "[]", '{"boot": "another", "turns": [[9e9, 1, "a"]]}']
)
def test_a_file_cut_short_or_of_another_boot_counts_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "l.json"
    path.write_text(content)
    limit = SharedRateLimit(path, requests_per_minute=1)
    assert [limit.take_turn(1, 5.0).moment for _ in range(2)] == [5.0, 65.0]


def test_where_there_can_be_no_file_the_process_counts_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    limit = SharedRateLimit(tmp_path / "file" / "l.json", requests_per_minute=1)
    assert [limit.take_turn(1, 5.0).moment for _ in range(2)] == [5.0, 65.0]
    limit.settle(limit.take_turn(1, 5.0), 7)
    monkeypatch.setattr(shared_limit, "LOCK_SECONDS", 0.01)
    held = SharedRateLimit(tmp_path / "held.json", requests_per_minute=1)
    with held._held():  # by one that is suspended
        assert held.take_turn(1, 5.0).moment == 5.0
    assert held.num_requests == 1


def test_a_judge_with_a_limit_shares_it_in_the_runs_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))

    def open_limit(**options: Any) -> Any:
        [entry] = judge("http://127.0.0.1:9/v1", **options).entries
        opened: Any = JUDGE.open(entry, GraderContext())  # type: ignore[misc]
        opened.close()
        return opened._endpoint.limit

    ours, theirs = (open_limit(requests_per_minute=1) for _ in range(2))
    now = MonotonicClock().now()
    assert ours.take_turn(1, now).moment == now
    assert theirs.take_turn(1, now).moment == now + 60
    assert open_limit(requests_per_minute=1, model="other").take_turn(1, now).moment == now
    assert open_limit().take_turn(1, now).moment == now
    assert len(list((tmp_path / "judge_limits").iterdir())) == 2
