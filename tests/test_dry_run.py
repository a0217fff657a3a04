"""What a dry run says about rewards that are noisy, depend on order, or are won by guessing."""

from collections.abc import Sequence

from rft_core.config import RunConfig
from rft_core.dry_run import DryRun, score_groups
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.types import Completion, Row
from tests.rewards.scoring_cases import python_set


def score(rewards: RewardSet, rows: Sequence[Row], groups: Sequence[Sequence[str]]) -> DryRun:
    prompts = [[{"role": "user", "content": str(row)}] for row in rows]
    completions = [[Completion(text, (), False, 0.0) for text in group] for group in groups]
    return score_groups(RunConfig(), rewards, rows, prompts, completions)


def kinds(result: DryRun) -> dict[str, str | None]:
    return {warning.kind: warning.where for warning in result.preflight.warnings}


def test_noise_and_dependence_on_order_are_warned_about() -> None:
    rows = [{"n": n} for n in range(12)]
    groups = [[f"{n} {i}" for i in range(4)] for n in range(12)]
    noisy = "import random\ndef f(completions): return [random.random() for c in completions]"
    result = score(python_set(noisy), rows, groups)
    assert kinds(result)["non_deterministic"] == "f"
    assert result.preflight.can_learn
    placed = "def f(completions): return list(range(len(completions)))"
    assert kinds(score(python_set(placed), rows, groups))["order"] == "f"
    honest = "def f(completions): return [int(c[-1]) for c in completions]"
    assert kinds(score(python_set(honest), rows, groups)) == {}


def test_a_large_dry_run_is_scored_again_only_in_part() -> None:
    counting = """
seen = []
def f(completions, log_metric):
    seen.append(len(completions))
    return [len(seen) for c in completions]
"""
    rows = [{"n": n} for n in range(20)]
    result = score(python_set(counting), rows, [["a"] * 6] * 20)
    [warning] = [w for w in result.preflight.warnings if w.kind == "non_deterministic"]
    assert "gave completion 0 2.0" in warning.what  # its second scoring, and not the first


def test_choices_at_chance_level_are_warned_about() -> None:
    rewards = RewardSet((RewardEntry("right", "choice", options={"column": "key"}),))
    rows = [{"key": key} for key in "ABCD"]
    guessed = score(rewards, rows, [["<answer>A</answer>", "<answer>(A)</answer>"]] * 4)
    assert kinds(guessed)["chance_level"] == "right"
    known = score(rewards, rows, [[f"<answer>{key}</answer>", "no idea"] for key in "ABCD"])
    assert "chance_level" not in kinds(known)
