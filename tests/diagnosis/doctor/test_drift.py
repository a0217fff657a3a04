"""Rules about a policy on a wrong way, and their silence on the right one."""

import math

import numpy as np
import pytest

from tests.diagnosis.doctor.sick_curves import curves_of, findings, kinds, noisy, rising

STEPS = np.arange(100)


def decay(rate: float, floor: float = 0.0) -> list[float]:
    noise = np.random.default_rng(3).normal(0, 0.004, 100)
    return list(np.maximum(0.6 * np.exp(-rate * STEPS) + floor + noise, 1e-3))


def earned(level: float) -> dict[str, list[float]]:
    reward = noisy(level, 0.02, 100)
    return {"reward": reward, "rewards__right__mean": reward}


def test_an_entropy_on_its_way_to_nothing_is_told_with_the_step() -> None:
    found = findings(curves_of(entropy=decay(0.019), **earned(0.4)), max_steps=400)
    [finding] = [one for one in found if one.kind == "entropy_floor"]
    assert "at step 1" in finding.summary and "right " in finding.evidence


@pytest.mark.parametrize(
    "curves",
    [
        curves_of(entropy=decay(0.019), **earned(0.95)),  # it is solved: nothing is left to explore
        curves_of(entropy=decay(0.004, 0.1), **earned(0.4)),  # falls slowly, and stays
        curves_of(entropy=noisy(0.3, 0.02, 100), **earned(0.4)),
        curves_of(entropy=decay(0.019)[:8], **{k: v[:8] for k, v in earned(0.4).items()}),
    ],
    ids=["solved", "slow", "level", "young"],
)
def test_an_entropy_that_serves_is_left_alone(curves: object) -> None:
    assert "entropy_floor" not in kinds(curves, max_steps=400)  # type: ignore[arg-type]


def test_a_kl_that_grows_faster_and_faster_is_told_before_it_is_far() -> None:
    runaway = list(0.02 + 0.7 * (STEPS / 100) ** 3)
    assert kinds(curves_of(kl=runaway)) == ["kl_explosion"]
    assert kinds(curves_of(kl=list(0.02 + 0.7 * STEPS / 100))) == []
    assert kinds(curves_of(kl=[0.01] * 95 + [8.0] + [0.01] * 4)) == []  # one step is no way


def test_steps_that_overwrite_the_weights_are_said_after_three_of_them() -> None:
    [finding] = findings(curves_of(update_ratio=[0.0, 0.17, 0.39, 0.48]))
    assert (finding.kind, finding.severity) == ("too_fast", "error")
    assert "17%, 39%, 48%" in finding.evidence
    assert kinds(curves_of(update_ratio=[0.0, 0.17, 0.39])) == []
    assert kinds(curves_of(update_ratio=[0.03, 0.2, 0.03, 0.02])) == []


def test_a_reward_that_drops_to_nothing_is_a_collapse_within_a_few_steps() -> None:
    lost = [1.09, 0.84, 0.94, 0.97, 0.9, 1.0, 0.0, 0.0, 0.0]
    [finding] = findings(curves_of(reward=lost))
    assert finding.kind == "collapse" and "times the standard error" in finding.evidence
    assert kinds(curves_of(reward=[1.09, 0.84, 0.94, 0.97, 0.9, 1.0, 0.6, 0.5, 0.7])) == []
    assert kinds(curves_of(reward=[0.0] * 30)) == []


def test_clipping_is_too_much_in_all_or_at_one_end() -> None:
    def clipped(low: float, high: float) -> list[str]:
        return kinds(
            curves_of(
                clip_ratio__region_mean=noisy(low + high, 0.005, 6),
                clip_ratio__low_mean=noisy(low, 0.005, 6),
                clip_ratio__high_mean=noisy(high, 0.005, 6),
            )
        )

    assert clipped(0.15, 0.15) == ["clip_saturation"]
    assert clipped(0.15, 0.02) == ["clip_saturation"]
    assert clipped(0.05, 0.05) == [] and clipped(0.06, 0.01) == []


def test_longer_completions_that_earn_no_more_are_told_and_those_that_do_are_not() -> None:
    longer = list(100 + 2.0 * STEPS)
    level, up = {n * 10: 0.2 for n in range(11)}, {n * 10: 0.2 + 0.04 * n for n in range(11)}
    reward = rising()
    [finding] = findings(
        curves_of({"reward": level}, completions__mean_length=longer, reward=[0.2] * 100)
    )
    assert finding.kind == "length_drift" and "validation reward" in finding.summary
    assert kinds(curves_of({"reward": up}, completions__mean_length=longer, reward=reward)) == []
    assert kinds(curves_of(completions__mean_length=noisy(100, 9, 100), reward=reward)) == []


def test_three_huge_gradients_are_a_habit_and_two_are_none() -> None:
    norms = [0.3 * math.exp(value) for value in noisy(0, 0.15, 60)]
    spiky = [value * (40 if at in (20, 35, 50) else 1) for at, value in enumerate(norms)]
    assert kinds(curves_of(grad_norm=spiky)) == ["gradient_spikes"]
    assert kinds(curves_of(grad_norm=spiky[:45])) == []
    assert kinds(curves_of(grad_norm=norms)) == []


def test_a_validation_that_falls_while_training_rises_is_told_with_where_it_was_best() -> None:
    train = list(0.2 + 0.006 * STEPS)
    held_out = {n * 6: 0.2 + 0.03 * min(n, 5) - 0.03 * max(n - 5, 0) for n in range(17)}
    [finding] = findings(curves_of({"reward": held_out}, reward=train))
    assert (finding.kind, finding.severity) == ("validation_gap", "error")
    follows = {step: 0.18 + 0.005 * step for step in held_out}
    assert kinds(curves_of({"reward": follows}, reward=train)) == []
    wobbles = dict(zip(held_out, noisy(0.5, 0.05, 17), strict=True))
    assert kinds(curves_of({"reward": wobbles}, reward=noisy(0.5, 0.05, 100))) == []


def test_tricks_are_counted_exactly_where_the_batch_is_known() -> None:
    batch = {"batch_size": 32, "group_size": 8}
    flagged = [0.03, 0.06, 0.03, 0.0, 0.03, 0.3, 0.5, 0.6, 0.7, 0.7, 0.8]
    reward = [0.1, 0.1, 0.12, 0.1, 0.1, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8]
    [finding] = findings(curves_of(flagged=flagged, reward=reward), **batch)
    assert (finding.kind, finding.severity) == ("hacking", "error")
    few = [0.03, 0.06, 0.03, 0.0, 0.03, 0.1, 0.12, 0.1, 0.09, 0.12, 0.15]
    assert kinds(curves_of(flagged=few, reward=reward), **batch) == []
