"""Where code cannot be locked in it is refused, and every reward that is no code still works."""

import json
from pathlib import Path

import pytest

from rft_core.errors import RftError
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet, Scoring
from rft_core.rewards.scorer import Scorer
from rft_core.rewards.scoring_file import score_file
from rft_core.sandbox import tiers

OURS = (
    RewardEntry("math", "math_equivalence"),
    RewardEntry("schema", "schema", options={"extraction": "answer_tag"}),
    RewardEntry("regex", "regex", options={"pattern": r"\\frac"}),
    RewardEntry("format", "format"),
)
CODE = (
    RewardEntry("mine", "python", source="def mine(completions):\n    return [1.0]\n"),
    RewardEntry("tests", "unit_tests"),
    RewardEntry("kernel", "triton_correctness"),
)
ROW = {
    "answer": "0.5",
    "schema": {"type": "number"},
    "entry_point": "f",
    "tests": [[[1], 1]],
    "operation": "add",
}


@pytest.fixture(autouse=True)
def _no_tier(fresh_servers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "get_tier", lambda held: None)


def score(entries: tuple[RewardEntry, ...], *completions: str) -> Scoring:
    count = len(completions)
    with Scorer(RewardSet(entries), timeout=20) as scorer:
        return scorer.score(Batch([[]] * count, completions, [ROW] * count))


def test_mathematics_schemas_patterns_and_format_still_work() -> None:
    right = r"<think>a</think><answer>\frac{1}{2}</answer>"
    number = "<think>a</think><answer>0.7</answer>"
    fraction, plain = score(OURS, right, number).samples
    assert fraction.scores == {"math": 1.0, "schema": 0.0, "regex": 1.0, "format": 1.0}
    assert plain.scores == {"math": 0.0, "schema": 1.0, "regex": 0.0, "format": 1.0}


def test_code_is_refused_and_unscored_and_leaves_the_other_rewards_their_scores() -> None:
    program = "```python\ndef f(x):\n    return x\n```"
    scoring = score((*OURS, *CODE[:2]), program)
    [sample] = scoring.samples
    assert sample.scores["mine"] is None and sample.scores["tests"] is None
    assert "cannot be locked in" in sample.reasons["mine"]
    assert sample.scores["format"] == 0.0 and sample.reward == 0.0
    reports = {report.name: report for report in scoring.reports}
    assert {reports[name].error_kind for name in ("mine", "tests")} == {"unusable"}
    assert not any(report.unscored_by_us for report in scoring.reports)  # nothing has failed


def test_a_pattern_that_never_ends_is_stopped_all_the_same() -> None:
    for pattern in (r"^(a|aa)+$", r"(?:(?:(?:a{1000}){1000}){1000}){1000}"):
        entry = RewardEntry("regex", "regex", options={"pattern": pattern})
        hit, quick = score((entry,), "a" * 50_000 + "b", "x").samples
        assert hit.reward in (None, 0.0) and quick.reward == 0.0


def test_a_file_that_nothing_may_score_is_refused_and_left_alone(tmp_path: Path) -> None:
    lines, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines.write_text('{"row": {"answer": "5"}, "completion": "<answer>5</answer>"}\n')
    with pytest.raises(RftError, match="'mine', 'tests'"):
        score_file(lines, output, RewardSet(CODE[:2]), lambda row: [], lambda row: None)
    assert not output.exists()
    score_file(lines, output, RewardSet((*CODE[:2], *OURS)), lambda row: [], lambda row: None)
    assert json.loads(output.read_text())["scores"]["math"] == 1.0


def test_a_run_is_told_which_of_its_rewards_are_refused_and_no_others() -> None:
    with Scorer(RewardSet(OURS)) as scorer:
        assert scorer.sandbox_tier is None
    with Scorer(RewardSet((*OURS, *CODE))) as scorer, pytest.raises(RftError) as caught:
        assert scorer.sandbox_tier
    assert "'mine', 'tests', 'kernel'" in caught.value.what
    assert not any(f"'{entry.name}'" in str(caught.value) for entry in OURS)
    assert caught.value.why and "mathematics" in caught.value.fix
