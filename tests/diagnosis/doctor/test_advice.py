"""Advice is given where nothing is wrong, and only there."""

import numpy as np

from tests.diagnosis.doctor.sick_curves import curves_of, findings, kinds, noisy, rising


def plateau() -> list[float]:
    steps = np.arange(120)
    return list(0.2 + 0.4 * np.minimum(steps / 40, 1) + np.array(noisy(0, 0.01, 120)))


def test_a_reward_that_rises_no_more_is_told_and_one_that_still_does_is_not() -> None:
    [finding] = findings(curves_of(reward=plateau()))
    assert (finding.kind, finding.severity) == ("plateau", "info")
    assert kinds(curves_of(reward=plateau()[:45])) == []
    assert kinds(curves_of(reward=noisy(0.5, 0.1, 120))) == []  # it has never risen


def test_advice_waits_while_something_is_wrong() -> None:
    assert kinds(curves_of(reward=plateau(), kl=[5.0] * 120)) == ["kl_explosion"]


def test_slow_steps_name_the_phase_that_has_grown() -> None:
    usual, slow = {"sample": 2.0, "score": 0.5}, {"sample": 2.1, "score": 9.0}
    [finding] = findings(curves_of(reward=rising(30)), step_phases=[usual] * 20 + [slow] * 8)
    assert (finding.kind, finding.where) == ("slow_steps", "score")
    once = [usual] * 20 + [slow] * 2 + [usual] * 6
    assert kinds(curves_of(reward=rising(30)), step_phases=once) == []


def test_memory_is_only_named_where_little_is_left() -> None:
    assert kinds(curves_of(), memory_left=0.02) == ["little_memory"]
    assert kinds(curves_of(), memory_left=0.3) == []
