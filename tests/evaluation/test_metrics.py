"""pass@k against brute force, and voting."""

from itertools import combinations

import pytest

from rft_core.evaluation.metrics import (
    is_majority_correct,
    majority_answer,
    mean,
    pass_at_k,
    prompt_pass_at_k,
)


def test_pass_at_k_equals_the_share_of_all_subsets_with_a_right_sample():
    for n in range(1, 8):
        for c in range(n + 1):
            for k in range(1, n + 1):
                subsets = list(combinations([1] * c + [0] * (n - c), k))
                brute_force = sum(any(subset) for subset in subsets) / len(subsets)
                assert pass_at_k(n, c, k) == pytest.approx(brute_force)


def test_pass_at_k_refuses_what_it_cannot_estimate():
    for n, c, k in [(4, 2, 5), (4, 5, 1), (4, -1, 1), (4, 2, 0)]:
        with pytest.raises(ValueError, match="pass@k needs"):
            pass_at_k(n, c, k)


def test_samples_that_could_not_be_judged_do_not_count():
    assert prompt_pass_at_k([True, None, False], 1) == pytest.approx(0.5)
    assert prompt_pass_at_k([True, None, False], 3) is None


def test_the_majority_wins_and_the_earliest_breaks_ties():
    assert majority_answer(["4", "5", None, "5"]) == "5"
    assert majority_answer(["7", "4", "4", "7"]) == "7"
    assert majority_answer([None, None]) is None


def test_a_vote_is_right_when_its_winner_is():
    assert is_majority_correct(["4", "5", "5"], [True, False, False]) is False
    assert is_majority_correct(["4", "4", "5"], [True, True, False]) is True
    assert is_majority_correct([None, None], [False, False]) is False


def test_the_mean_leaves_out_what_is_missing():
    assert mean([1.0, None, 0.0]) == pytest.approx(0.5)
    assert mean([None]) is None
