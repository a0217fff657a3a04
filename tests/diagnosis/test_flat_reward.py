"""A flat reward is said with the numbers that are sure, and a reward that is not is left alone."""

import numpy as np
import pytest
from scipy.stats import binomtest

from rft_core.diagnosis.doctor import RunEvidence, diagnose
from rft_core.diagnosis.flat_reward import CONFIDENCE, find_flat_reward
from rft_core.statistics import upper_bound
from rft_core.store.reward_range import RewardRange


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (0, 104), (3, 104), (60, 104), (103, 104)])
def test_the_upper_bound_is_the_exact_one(successes: int, n: int) -> None:
    exact = binomtest(successes, n).proportion_ci(0.94, method="exact").high  # 3% on either side
    assert upper_bound(successes, n, 0.97) == pytest.approx(exact, rel=1e-8)
    assert upper_bound(n, n, 0.97) == 1.0


def test_without_successes_the_bound_holds_for_the_mean_of_unequal_prompts_too() -> None:
    """Of prompts whose mean share is the bound, nothing is seen no oftener than 3 times in 100."""
    rng = np.random.default_rng(0)
    bound = upper_bound(0, 104, CONFIDENCE)
    for _ in range(200):
        shares = np.clip(rng.gamma(0.3, size=13), 0, None)
        shares = np.minimum(shares / shares.mean() * bound, 1.0)
        if shares.mean() >= bound - 1e-12:
            assert np.prod((1 - shares) ** 8) <= 1 - CONFIDENCE + 1e-9


@pytest.mark.parametrize("bad", [(1, 0), (3, 2), (-1, 4)])
def test_a_bound_without_observations_is_refused(bad: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="observations"):
        upper_bound(*bad, 0.97)


def test_nothing_earned_is_said_with_an_exact_bound_that_is_rounded_up() -> None:
    found = find_flat_reward(RewardRange(104, 0.0, 0.0), 8)
    assert found is not None and found.severity == "error"
    assert found.what.startswith(
        "0 of 104 completions earned anything: with 97% confidence fewer than 3.4% would."
    )
    assert "at least 76% of the groups of 8" in found.what  # (1 - 0.0332) ** 8
    [finding] = diagnose(RunEvidence(flat=found))
    assert finding.title == "Nothing to learn from"


def test_a_reward_that_is_the_same_for_all_is_flat_too_and_wants_other_cures() -> None:
    found = find_flat_reward(RewardRange(104, 0.2, 0.2), 8)
    assert found is not None
    assert found.what.startswith(
        "All 104 completions earned 0.2: with 97% confidence fewer than 3.4% would earn more or "
        "less."
    )
    assert "harder prompts" in found.fix


@pytest.mark.parametrize(
    "seen",
    [
        RewardRange(),
        RewardRange(104, 0.0, 1.0),  # some were right: how many does not matter
        RewardRange(104, 0.0, 0.1),
        RewardRange(104, -1.0, 0.0),  # penalties that differ teach as well
        RewardRange(16, 0.0, 0.0),  # too few: one in five might earn something
    ],
)
def test_what_is_not_sure_or_not_flat_is_not_said(seen: RewardRange) -> None:
    assert find_flat_reward(seen, 8) is None


def test_larger_groups_need_more_completions_before_it_is_said() -> None:
    """In a group of 64 one rare success is enough for a gradient."""
    seen = RewardRange(104, 0.0, 0.0)
    assert find_flat_reward(seen, 16) is not None
    assert find_flat_reward(seen, 64) is None


def test_the_doctor_says_it_once_and_first() -> None:
    flat = find_flat_reward(RewardRange(640, 0.0, 0.0), 8)
    assert [found.kind for found in diagnose(RunEvidence(flat=flat))] == ["flat"]
