"""What counts as a right answer."""

import pytest

from rft_core.rewards.contract import RewardEntry, RewardSet, Scored
from rft_core.rewards.deciding import is_right


def scored(**scores: float | None) -> Scored:
    return Scored(scores, None, {})


def rewards(**weights: float) -> RewardSet:
    return RewardSet(
        tuple(RewardEntry(name, "exact_match", weight) for name, weight in weights.items())
    )


@pytest.mark.parametrize(
    ("reward_set", "sample", "right"),
    [
        (rewards(format=1, correctness=1), scored(format=0.0, correctness=1.0), True),
        (rewards(format=1, equation=1), scored(format=1.0, equation=0.0), False),
        (rewards(correctness=1), scored(correctness=0.9), False),
        (rewards(correctness=1), scored(correctness=None), None),
        (rewards(a=1, b=2, logged=0), scored(a=1.0, b=1.0, logged=0.0), True),
        (rewards(a=1, b=2), scored(a=1.0, b=0.5), False),
        (rewards(format=1, a=1), scored(format=0.0, a=1.0), True),
        (rewards(format=1), scored(format=0.5), False),
        (rewards(correctness=0, a=1), scored(correctness=0.0, a=1.0), False),
        (rewards(a=1, b=2), scored(a=1.0, b=None), None),
    ],
)
def test_right(reward_set: RewardSet, sample: Scored, right: bool | None) -> None:
    assert is_right(reward_set, sample) is right
