"""Rules about data that teaches nothing: each speaks on the sick run and not on its neighbour."""

import numpy as np
import pytest

from rft_core.config import RunConfig
from rft_core.diagnosis.doctor import GroupsSeen
from tests.diagnosis.doctor.sick_curves import curves_of, findings, kinds, noisy, rising

BATCH = {"batch_size": 64, "group_size": 8}


def test_all_wrong_and_all_right_get_opposite_cures() -> None:
    dead = {"frac_reward_zero_std": [0.9] * 10}
    wrong = curves_of(**dead, reward=[0.02] * 10, rewards__right__mean=[0.02] * 10)
    right = curves_of(**dead, reward=[0.98] * 10, rewards__right__mean=[0.98] * 10)
    [too_hard], [too_easy] = findings(wrong, **BATCH), findings(right, **BATCH)
    assert (too_hard.kind, too_easy.kind) == ("all_wrong", "all_right")
    assert "Make the first success easier" in too_hard.fix and "harder prompts" in too_easy.fix
    assert "right 2%" in too_hard.evidence and "right 98%" in too_easy.evidence


@pytest.mark.parametrize("share", [0.3, 0.55])
def test_a_share_of_dead_groups_that_may_be_chance_is_not_said(share: float) -> None:
    curves = curves_of(
        frac_reward_zero_std=noisy(share, 0.15, 8), reward=[0.1] * 8, rewards__right__mean=[0.1] * 8
    )
    assert kinds(curves, **BATCH) == []


def test_many_groups_carry_the_sentence_from_the_first_step_and_few_do_not() -> None:
    curves = curves_of(frac_reward_zero_std=[0.75], reward=[0.0], rewards__right__mean=[0.0])
    assert kinds(curves, batch_size=4096, group_size=8) == ["all_wrong"]
    assert kinds(curves, **BATCH) == []


def test_a_run_that_has_learned_its_prompts_gets_advice_and_no_alarm() -> None:
    reward = [0.3 + 0.68 * min(step / 40, 1) for step in range(60)]
    dead = [0.1] * 20 + [0.8] * 40
    curves = curves_of(frac_reward_zero_std=dead, reward=reward, rewards__right__mean=reward)
    found = findings(curves, **BATCH)
    assert ("saturated", "info") in {(finding.kind, finding.severity) for finding in found}
    assert all(finding.severity == "info" for finding in found)


def test_one_text_in_every_group_is_a_lack_of_sampling_and_no_lack_of_reward() -> None:
    curves = curves_of(
        frac_reward_zero_std=[1.0] * 8, reward=[0.4] * 8, rewards__right__mean=[0.4] * 8
    )
    cold = RunConfig(temperature=0.001)
    [finding] = findings(curves, **BATCH, config=cold, groups=GroupsSeen(24, 24))
    assert (finding.kind, finding.severity) == ("identical", "error")
    assert "temperature is 0.001" in finding.evidence and "near 1" in finding.fix
    assert kinds(curves, **BATCH, config=cold, groups=GroupsSeen(24, 3)) == ["no_variance"]


def test_truncation_is_said_at_the_first_step_where_the_batch_can_carry_it() -> None:
    cut = curves_of(completions__clipped_ratio=[0.9])
    assert kinds(cut, **BATCH) == ["truncated"]
    assert kinds(curves_of(completions__clipped_ratio=[0.55]), **BATCH) == []
    assert kinds(cut) == []  # of how many completions is not known


def test_truncation_on_its_way_is_told_with_its_projection_and_a_steady_bit_is_not() -> None:
    steps = np.arange(100)
    growing = list(0.005 + 0.1 * (steps / 100) ** 2)
    many = {"batch_size": 4096, "group_size": 8, "max_steps": 400}
    [finding] = findings(curves_of(completions__clipped_ratio=growing), **many)
    assert finding.kind == "truncated" and "at step 400" in finding.evidence
    assert kinds(curves_of(completions__clipped_ratio=[0.06] * 100), **many) == []
    assert kinds(curves_of(completions__clipped_ratio=growing[::-1]), **many) == []


def test_a_zero_gradient_under_groups_that_differ_is_no_fault_of_the_data() -> None:
    still = {"grad_norm": [0.0] * 5, "reward": [0.5] * 5}
    assert kinds(curves_of(**still, frac_reward_zero_std=[0.2] * 5), **BATCH) == ["zero_gradient"]
    assert kinds(curves_of(**still, frac_reward_zero_std=[1.0] * 5), **BATCH) == []
    assert kinds(curves_of(grad_norm=[0.0, 0.1, 0.0], frac_reward_zero_std=[0.2] * 3)) == []


def test_a_forgotten_adapter_is_told_by_how_far_its_weights_would_get() -> None:
    rates = [0.0, 5e-10, 1e-9, 1e-9, 1e-9]
    config = RunConfig(learning_rate=1e-9)
    still = curves_of(
        update_ratio=[0.0, 2e-8, 5e-8, 5e-8, 5e-8], learning_rate=rates, grad_norm=[0.1] * 5
    )
    [finding] = findings(still, max_steps=300, config=config)
    assert finding.kind == "weights_still" and "300 such steps" in finding.evidence
    moving = curves_of(
        update_ratio=[0.0, 1e-3, 2e-3, 2e-3, 2e-3], learning_rate=rates, grad_norm=[0.1] * 5
    )
    assert kinds(moving, max_steps=300, config=config) == []


def test_a_warm_up_is_no_forgotten_adapter() -> None:
    config = RunConfig(learning_rate=1e-3)
    warm = curves_of(
        update_ratio=[0.0, 1e-9, 2e-9], learning_rate=[0.0, 1e-9, 2e-9], grad_norm=[0.1] * 3
    )
    assert kinds(warm, max_steps=300, config=config) == []


def test_a_constant_component_is_named_while_another_one_tells_apart() -> None:
    spread = {"rewards__right__std": [0.4] * 4, "rewards__right__mean": [0.3] * 4}
    half = {"rewards__half__std": [0.0] * 4, "rewards__half__mean": [0.5] * 4}
    [finding] = findings(curves_of(**spread, **half), **BATCH)
    assert (finding.kind, finding.where) == ("dead_component", "half")
    assert "All 256 scores so far are 0.5" in finding.evidence
    assert kinds(curves_of(**spread, **half), **BATCH, weights={"right": 1, "half": 0}) == []


@pytest.mark.parametrize("paid", [0.0, 1.0])
def test_a_form_that_all_have_and_a_goal_that_none_has_reached_yet_are_healthy(paid: float) -> None:
    """Form first, then what it is for: the usual course of a hard task."""
    curves = curves_of(
        rewards__form__std=[0.4] * 40, rewards__form__mean=rising(40), reward=rising(40),
        rewards__goal__std=[0.0] * 40, rewards__goal__mean=[paid] * 40,
    )  # fmt: skip
    assert kinds(curves, **BATCH) == []


def test_a_part_whose_weight_could_never_count_is_told_and_one_that_is_rare_is_not() -> None:
    parts = {
        "rewards__form__std": [0.5] * 30, "rewards__form__mean": [0.5] * 30,
        "rewards__goal__std": [0.12] * 30, "rewards__goal__mean": [0.02] * 30,
    }  # fmt: skip
    tops = {"form": 1.0, "goal": 1.0}
    small = {"form": 20.0, "goal": 0.1}
    [finding] = findings(curves_of(**parts), **BATCH, weights=small, tops=tops)
    assert (finding.kind, finding.where) == ("owns_variance", "form")
    assert kinds(curves_of(**parts), **BATCH, weights={"form": 1.0, "goal": 1.0}, tops=tops) == []
    partly = {"form": 1.0, "goal": 0.05}  # the first crumbs of partial credit are no full score
    crumbs = {**parts, "rewards__goal__std": [0.01] * 30, "rewards__goal__mean": [0.001] * 30}
    assert kinds(curves_of(**crumbs), **BATCH, tops=partly) == []


def test_completions_without_a_score_are_said_as_soon_as_a_batch_shows_it() -> None:
    half = curves_of(rewards__fails__unscored=[0.5], rewards__fails__mean=[1.0])
    [finding] = findings(half, **BATCH)
    assert (finding.kind, finding.where, finding.severity) == ("unscored", "fails", "warning")
    assert kinds(curves_of(rewards__fails__unscored=[0.03] * 20), **BATCH) == []
