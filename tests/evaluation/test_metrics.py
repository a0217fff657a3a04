"""pass@k, votes and best-of-k against brute force."""

from itertools import combinations, permutations

import numpy as np
import pytest

from rft_core.evaluation.metrics import (
    agreement,
    best_of_curve,
    is_majority_correct,
    majority_answer,
    majority_curve,
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


def brute_force_vote(answers: list[str], verdicts: list[bool], k: int) -> float:
    """The mean over all orders of all subsets."""
    votes = [
        is_majority_correct([answers[i] for i in order], [verdicts[i] for i in order])
        for order in permutations(range(len(answers)), k)
    ]
    return mean([float(bool(vote)) for vote in votes]) or 0.0


def test_a_vote_of_few_is_the_mean_over_all_that_could_vote():
    answers, verdicts = list("aabbbc"), [letter == "a" for letter in "aabbbc"]
    curves = [majority_curve(answers, verdicts, np.random.default_rng(s)) for s in range(150)]
    found = np.mean(curves, axis=0)
    for k in range(1, 6):
        assert found[k - 1] == pytest.approx(brute_force_vote(answers, verdicts, k), abs=0.02)
    assert found[5] == 0.0, "all six: b has three votes, a two"


def test_a_tie_of_all_votes_goes_to_the_earliest_and_of_few_to_either():
    curve = majority_curve(["b", "a"], [False, True], np.random.default_rng(0))
    assert curve[-1] == 0.0
    assert curve[0] == 0.5


def test_who_states_nothing_does_not_vote():
    answers: list[str | None] = [None, None, "a"]
    curve = majority_curve(answers, [False, False, True], np.random.default_rng(0))
    assert curve[0] == pytest.approx(1 / 3) and curve[-1] == 1.0


def test_the_best_of_k_equals_the_mean_over_all_subsets():
    scores, verdicts = [0.3, 0.9, 0.1, 0.5, 0.7], [True, False, True, True, False]
    curve = best_of_curve(scores, verdicts)
    for k in range(1, 6):
        picks = [max(subset, key=lambda i: scores[i]) for subset in combinations(range(5), k)]
        assert curve[k - 1] == pytest.approx(sum(verdicts[i] for i in picks) / len(picks))
    assert curve[0] == pytest.approx(3 / 5), "of one, the control: a random pick"


def test_what_could_not_be_judged_is_no_pick_that_counts():
    assert best_of_curve([0.9, 0.1], [None, True])[0] == 1.0
    assert np.isnan(best_of_curve([0.9, 0.1], [None, True])[1])
    assert np.isnan(majority_curve(["a", "a"], [None, None], np.random.default_rng(0))[1])


def test_a_vote_is_judged_where_any_equal_answer_was():
    curve = majority_curve(["4", "4", "5"], [None, True, False], np.random.default_rng(0))
    assert curve[-1] == 1.0


def test_agreement_is_the_share_that_says_what_most_say():
    assert agreement(["4", "4", None, "5"]) == 0.5
    assert agreement([None, None]) is None
