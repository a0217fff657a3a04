"""A claim is judged by the difference that was measured, and its sentence says which."""

import pytest

from rft_core.experiments.claims import Outcome, judge_claim
from rft_core.experiments.design import Claim
from rft_core.statistics import paired_difference

CLAIM = Claim("Trying beats imitating by 10 points.", "100", "grpo", "sft", 0.10)


def make_shares(right: int, of: int = 200) -> list[float]:
    return [1.0] * right + [0.0] * (of - right)


@pytest.mark.parametrize(
    ("better", "than", "outcome"),
    [
        (140, 80, "reproduced"),  # +30 points
        (86, 80, "not reproduced"),  # +3, and its interval ends below 10
        (80, 140, "not reproduced"),
    ],
)
def test_the_outcome_follows_from_the_difference_and_its_interval(
    better: int, than: int, outcome: Outcome
) -> None:
    found = judge_claim(CLAIM, paired_difference(make_shares(than), make_shares(better)))
    assert found.outcome == outcome
    points = (better - than) / 2
    assert f"{points:+.1f} points" in found.sentence and "claimed +10" in found.sentence
    assert found.sentence.startswith(CLAIM.text)


def test_what_few_prompts_show_is_undecided() -> None:
    found = judge_claim(CLAIM, paired_difference([0, 1, 0, 1, 0], [1, 1, 0, 1, 0]))
    assert found.outcome == "undecided"
    found = judge_claim(CLAIM, paired_difference([0, 0, 0], [1, 1, 1]))  # McNemar: p = 0.25
    assert found.outcome == "undecided"


def test_one_seed_of_three_decides_nothing() -> None:
    than = [make_shares(92), make_shares(85), make_shares(81)]
    better = [make_shares(177), make_shares(68), make_shares(72)]
    found = judge_claim(CLAIM, paired_difference(than, better))
    assert found.outcome == "undecided" and found.difference is not None
    assert found.difference.difference == pytest.approx(0.0983, abs=1e-3)
    assert found.difference.ci[0] < 0


def test_a_quick_trial_decides_nothing_however_large_its_differences() -> None:
    found = judge_claim(CLAIM, paired_difference(make_shares(0), make_shares(200)), is_enough=False)
    assert found.outcome == "undecided"


def test_what_was_not_measured_is_not_judged() -> None:
    found = judge_claim(CLAIM, None)
    assert found.outcome == "not measured" and found.sentence.endswith("Not measured.")
