"""The doctor's rules: each speaks about its ailment, and a healthy run hears nothing."""

import numpy as np
import pandas as pd
import pytest

from rft_core.config import RECIPES
from rft_core.diagnosis.doctor import WINDOW, diagnose, get_title
from rft_core.figures import Curves, extend_curves


def curves_of(**metrics: list[float]) -> Curves:
    """`reward=[...]` -> curves of the training split; `__` in a name stands for `/`."""
    rows = [
        (i + 1, step, "train", name.replace("__", "/"), value, 0.0, 0)
        for name, values in metrics.items()
        for i, (step, value) in enumerate(enumerate(values, start=1))
    ]
    columns = ["id", "step", "split", "name", "value", "elapsed", "tokens"]
    return extend_curves(Curves(), pd.DataFrame(rows, columns=columns))


def rising(steps: int = 100) -> list[float]:
    noise = np.random.default_rng(0).normal(0, 0.05, steps)
    return list(1 - np.exp(-np.arange(steps) / 30) + noise)


def kinds(curves: Curves) -> list[str]:
    return [finding.kind for finding in diagnose(curves)]


def test_a_healthy_run_and_a_young_one_hear_nothing() -> None:
    healthy = curves_of(
        reward=rising(),
        kl=[0.001 * i for i in range(100)],
        frac_reward_zero_std=[0.3] * 100,
        completions__clipped_ratio=[0.02] * 100,
        rewards__format__mean=rising(),
        rewards__format__unscored=[0.0] * 100,
    )
    assert diagnose(healthy) == []
    assert diagnose(curves_of(frac_reward_zero_std=[1.0] * (WINDOW - 1))) == []
    assert diagnose(Curves()) == []


def test_noise_around_a_level_is_no_collapse() -> None:
    noisy = list(np.random.default_rng(1).normal(0.5, 0.2, 300))
    assert kinds(curves_of(reward=noisy)) == []


@pytest.mark.parametrize(
    ("reward", "advice"),
    [(0.0, "first success easier"), (0.0, RECIPES["sft_grpo"]), (2.0, "harder prompts")],
)
def test_groups_without_variance_are_named_with_a_fitting_cure(reward: float, advice: str) -> None:
    [finding] = diagnose(curves_of(frac_reward_zero_std=[1.0] * 20, reward=[reward] * 20))
    assert finding.kind == "no_variance" and finding.severity == "error"
    assert advice in finding.fix


def test_truncation_is_a_warning_and_an_error_when_nearly_all_are_cut() -> None:
    [half] = diagnose(curves_of(completions__clipped_ratio=[0.6] * 20))
    [all_cut] = diagnose(curves_of(completions__clipped_ratio=[1.0] * 20))
    assert (half.severity, all_cut.severity) == ("warning", "error")


def test_a_kl_explosion_is_seen() -> None:
    assert kinds(curves_of(kl=[0.001 * 1.1**i for i in range(100)])) == ["kl_explosion"]


def test_a_collapse_names_the_step_to_go_back_to() -> None:
    up_and_down = rising(80) + [0.1 + 0.01 * (i % 3) for i in range(20)]
    [finding] = diagnose(curves_of(reward=up_and_down))
    assert finding.kind == "collapse"
    assert "step 80" in finding.what or "step 72" in finding.what or "step 64" in finding.what


def test_the_function_that_cannot_judge_is_named() -> None:
    curves = curves_of(
        rewards__judge__mean=[0.5] * 20,
        rewards__judge__unscored=[0.4] * 20,
        rewards__format__mean=[0.5] * 20,
        rewards__format__unscored=[0.0] * 20,
    )
    [finding] = diagnose(curves)
    assert finding.kind == "unscored" and "'judge'" in get_title(finding) and "40%" in finding.what


def test_errors_come_before_warnings() -> None:
    curves = curves_of(kl=[5.0] * 20, completions__clipped_ratio=[1.0] * 20)
    assert [f.severity for f in diagnose(curves)] == ["error", "warning"]


def test_tricks_that_spread_while_the_reward_rises_are_cheating() -> None:
    more, fewer = list(np.linspace(0.1, 0.6, 40)), list(np.linspace(0.3, 0.0, 40))
    [finding] = diagnose(curves_of(reward=rising(40), flagged=more))
    assert (finding.kind, finding.severity) == ("hacking", "error")
    assert "56% of the completions" in finding.what and "14% at first" in finding.what
    assert kinds(curves_of(reward=rising(40), flagged=fewer)) == []
    assert kinds(curves_of(reward=[0.5] * 40, flagged=[0.1] * 40)) == []
    assert "hacking" not in kinds(curves_of(reward=list(np.linspace(1, 0.9, 40)), flagged=more))


def test_a_function_that_has_judged_nothing_yet_is_named_at_the_first_step() -> None:
    [finding] = diagnose(curves_of(rewards__gold__unscored=[1.0], reward=[0.5]))
    assert (finding.kind, finding.where, finding.severity) == ("unscored", "gold", "error")
    assert diagnose(curves_of(rewards__gold__unscored=[0.5], reward=[0.5])) == []
