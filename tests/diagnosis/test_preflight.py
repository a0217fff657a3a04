"""A dry run that cannot teach is called so, with the cause."""

from collections.abc import Sequence

import pytest

from rft_core.diagnosis.preflight import Preflight, chance_warning, check_dry_run
from rft_core.rewards.contract import FunctionReport, Scored, Scoring


def dry_run(rewards: Sequence[float | None], seconds: float = 0.0, **report) -> Scoring:
    samples = tuple(Scored({"f": reward}, reward, {"f": ""}) for reward in rewards)
    return Scoring(samples, (FunctionReport("f", seconds, **report),))


def kinds(preflight: Preflight) -> set[str]:
    return {warning.kind for warning in preflight.warnings}


def test_a_healthy_dry_run_has_no_warnings():
    preflight = check_dry_run(dry_run([1, 0, 0, 1, 0, 1, 1, 0]), 4, [False] * 8)
    assert preflight.warnings == ()
    assert preflight.can_learn
    assert (preflight.mean_reward, preflight.zero_variance, preflight.truncated) == (0.5, 0.0, 0.0)
    assert preflight.functions[0].mean == 0.5


def test_equal_rewards_in_every_group_cannot_teach():
    for rewards in ([0.0] * 8, [1.0] * 8, [1.0] * 4 + [0.0] * 4):
        preflight = check_dry_run(dry_run(rewards), 4)
        assert "no_variance" in kinds(preflight)
        assert not preflight.can_learn


def test_most_groups_without_variance_are_a_warning():
    preflight = check_dry_run(dry_run([0.0] * 18 + [0.0, 1.0]), 2)
    assert preflight.zero_variance == 0.9
    assert "no_variance" in kinds(preflight)
    assert preflight.can_learn


@pytest.mark.parametrize(("cut", "can_learn"), [(8, False), (5, True)])
def test_truncation_is_named(cut, can_learn):
    preflight = check_dry_run(dry_run([1, 0] * 4), 2, [True] * cut + [False] * (8 - cut))
    assert "truncated" in kinds(preflight)
    assert preflight.can_learn is can_learn


def test_slow_constant_wide_and_unscored_functions_are_named():
    assert "slow" in kinds(check_dry_run(dry_run([1, 0], seconds=1.0), 2))
    assert "constant" in kinds(check_dry_run(dry_run([1, 1]), 2))
    assert "out_of_range" in kinds(check_dry_run(dry_run([1, 500]), 2))
    assert "unscored" in kinds(check_dry_run(dry_run([1, None]), 2))


def test_a_broken_contract_stops_only_where_nothing_is_scored():
    some = check_dry_run(dry_run([1, 0, None], error="boom", error_kind="exception"), 3)
    assert "exception" in kinds(some) and some.can_learn
    none = check_dry_run(dry_run([None, None], error="boom", error_kind="hang"), 2)
    assert "hang" in kinds(none) and not none.can_learn


def test_nothing_scored_is_an_error():
    assert not check_dry_run(dry_run([]), 4).can_learn


def test_always_answering_a_is_at_chance_level():
    golds = list("ABCDA")
    warning = chance_warning(["A"] * 5, golds)
    assert warning is not None and warning.kind == "chance_level"
    assert "40%" in warning.message
    assert chance_warning(golds, golds) is None
    assert chance_warning([], []) is None
