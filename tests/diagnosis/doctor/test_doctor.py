"""The doctor's rules: each speaks about its ailment, and a healthy run hears nothing."""

import numpy as np
import pytest

from rft_core.config import RECIPES
from rft_core.diagnosis.doctor.measures import WINDOW
from rft_core.figures import Curves
from tests.diagnosis.doctor.sick_curves import curves_of, findings, kinds, rising


def test_a_healthy_run_and_a_young_one_hear_nothing() -> None:
    healthy = curves_of(
        reward=rising(),
        kl=[0.001 * i for i in range(100)],
        frac_reward_zero_std=[0.3] * 100,
        completions__clipped_ratio=[0.02] * 100,
        rewards__format__mean=rising(),
        rewards__format__unscored=[0.0] * 100,
    )
    assert findings(healthy) == []
    assert findings(curves_of(frac_reward_zero_std=[1.0] * (WINDOW - 1))) == []
    assert findings(Curves()) == []


def test_noise_around_a_level_is_no_collapse() -> None:
    noisy = list(np.random.default_rng(1).normal(0.5, 0.2, 300))
    assert kinds(curves_of(reward=noisy)) == []


@pytest.mark.parametrize(
    ("reward", "kind", "advice"),
    [
        (0.0, "all_wrong", "first success easier"),
        (0.0, "all_wrong", RECIPES["sft_grpo"]),
        (2.0, "no_variance", "harder prompts"),
    ],
)
def test_groups_without_variance_are_named_with_a_fitting_cure(
    reward: float, kind: str, advice: str
) -> None:
    [finding] = findings(curves_of(frac_reward_zero_std=[1.0] * 20, reward=[reward] * 20))
    assert finding.kind == kind and finding.severity == "error"
    assert advice in finding.fix


def test_truncation_is_a_warning_and_an_error_when_nearly_all_are_cut() -> None:
    [half] = findings(curves_of(completions__clipped_ratio=[0.6] * 20))
    [all_cut] = findings(curves_of(completions__clipped_ratio=[1.0] * 20))
    assert (half.severity, all_cut.severity) == ("warning", "error")


def test_a_kl_explosion_is_seen() -> None:
    assert kinds(curves_of(kl=[0.001 * 1.1**i for i in range(100)])) == ["kl_explosion"]


def test_a_collapse_names_the_step_to_go_back_to() -> None:
    up_and_down = rising(80) + [0.1 + 0.01 * (i % 3) for i in range(20)]
    [finding] = findings(curves_of(reward=up_and_down))
    assert finding.kind == "collapse"
    assert any(f"step {step} " in finding.summary for step in (64, 72, 80))


def test_the_function_that_cannot_judge_is_named() -> None:
    curves = curves_of(
        rewards__judge__mean=[0.5] * 20,
        rewards__judge__unscored=[0.4] * 20,
        rewards__format__mean=[0.5] * 20,
        rewards__format__unscored=[0.0] * 20,
    )
    [finding] = findings(curves)
    assert finding.kind == "unscored" and "'judge'" in finding.title and "40%" in finding.summary


def test_errors_come_before_warnings() -> None:
    curves = curves_of(kl=[5.0] * 20, completions__clipped_ratio=[1.0] * 20)
    assert [f.severity for f in findings(curves)] == ["error", "warning"]


def test_tricks_that_spread_while_the_reward_rises_are_cheating() -> None:
    more, fewer = list(np.linspace(0.1, 0.6, 40)), list(np.linspace(0.3, 0.0, 40))
    [finding] = findings(curves_of(reward=rising(40), flagged=more))
    assert (finding.kind, finding.severity) == ("hacking", "error")
    assert "56% of the completions" in finding.summary and "14% at first" in finding.summary
    assert kinds(curves_of(reward=rising(40), flagged=fewer)) == []
    assert kinds(curves_of(reward=[0.5] * 40, flagged=[0.1] * 40)) == []
    assert "hacking" not in kinds(curves_of(reward=list(np.linspace(1, 0.9, 40)), flagged=more))


def test_a_function_that_has_judged_nothing_yet_is_named_at_the_first_step() -> None:
    [finding] = findings(curves_of(rewards__gold__unscored=[1.0], reward=[0.5]))
    assert (finding.kind, finding.where, finding.severity) == ("unscored", "gold", "error")
    assert findings(curves_of(rewards__gold__unscored=[0.5], reward=[0.5])) == []
