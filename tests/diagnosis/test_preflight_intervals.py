"""The intervals hold what they promise, also for few prompts and rare scores."""

import math

import numpy as np
import pytest

from rft_core.diagnosis.preflight.intervals import (
    StepShape,
    measure_spread,
    predict_share,
    predict_step_mean,
)
from rft_core.rewards.advantages import zero_variance_share
from rft_core.statistics import t_quantile

TRIALS = 400


def draw_groups(
    rng: np.random.Generator, prompts: int, size: int, mean: float, likeness: float
) -> list[list[float]]:
    """Right or wrong, on two levels. `likeness`: correlation of two completions of one prompt."""
    if likeness == 0:
        chances = np.full(prompts, mean)
    else:
        weight = (1 - likeness) / likeness
        chances = rng.beta(mean * weight, (1 - mean) * weight, prompts)
    return [[float(score) for score in rng.random(size) < chance] for chance in chances]


@pytest.mark.parametrize(
    ("prompts", "step", "size"), [(4, 8, 8), (8, 8, 8), (8, 16, 4), (16, 4, 8)]
)
@pytest.mark.parametrize("likeness", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("mean", [0.02, 0.25, 0.9])
def test_nine_of_ten_steps_fall_into_the_interval_of_their_dry_run(
    prompts: int, step: int, size: int, likeness: float, mean: float
) -> None:
    rng = np.random.default_rng(hash((prompts, step, size, likeness, mean)) % 2**32)
    shape = StepShape(step, size)
    means = shares = 0
    for _ in range(TRIALS):
        dry, real = (draw_groups(rng, n, size, mean, likeness) for n in (prompts, step))
        expected = predict_step_mean(dry, shape)
        teaching = predict_share([len(set(group)) == 1 for group in dry], shape)
        assert expected and teaching
        means += expected.covers(float(np.mean(real)))
        shares += teaching.covers(zero_variance_share([s for g in real for s in g], size))
    tolerance = 2.5 * math.sqrt(0.09 / TRIALS)
    assert means / TRIALS >= 0.9 - tolerance
    assert shares / TRIALS >= 0.9 - tolerance


def test_partial_scores_are_covered_and_intervals_are_not_needlessly_wide() -> None:
    rng = np.random.default_rng(1)
    covered, widths = 0, []
    for _ in range(TRIALS):
        levels = rng.normal(0.5, 0.1, 16)
        groups = [list(rng.normal(level, 0.05, 8)) for level in levels]
        prediction = predict_step_mean(groups[:8], StepShape(8, 8))
        assert prediction
        covered += prediction.covers(float(np.mean(groups[8:])))
        widths.append(prediction.half_width)
    assert 0.92 <= covered / TRIALS <= 0.98
    exact = t_quantile(7) * math.sqrt((0.1**2 + 0.05**2 / 8) * 2 / 8)
    assert np.mean(widths) == pytest.approx(exact, rel=0.1)


def test_the_two_levels_are_told_apart() -> None:
    rng = np.random.default_rng(2)
    levels = rng.normal(0, 2.0, 4000)
    spread = measure_spread([list(rng.normal(level, 1.0, 4)) for level in levels])
    assert spread.between == pytest.approx(4.0, rel=0.1)
    assert spread.within == pytest.approx(1.0, rel=0.1)
    alike = measure_spread([[0.0, 1.0, 0.0, 1.0]] * 6)
    assert alike.between == 0 and alike.within > 0


def test_more_prompts_and_more_completions_narrow_the_interval() -> None:
    rng = np.random.default_rng(3)
    groups = draw_groups(rng, 16, 8, 0.5, 0.3)

    def width(prompts: int, size: int, tried: int = 16) -> float:
        prediction = predict_step_mean(groups[:tried], StepShape(prompts, size))
        assert prediction
        return prediction.half_width

    assert width(32, 8) < width(8, 8) < width(8, 2)
    assert width(8, 8, tried=16) < width(8, 8, tried=4)


def test_scores_that_are_all_equal_leave_room_for_rare_others() -> None:
    nothing = predict_step_mean([[0.0] * 8] * 8, StepShape(8, 8))
    assert nothing and nothing.expected == nothing.low == 0 and 0.05 < nothing.high < 0.2
    everything = predict_step_mean([[1.0] * 8] * 8, StepShape(8, 8))
    assert everything and everything.high == 1 and 0.8 < everything.low < 0.95


def test_unscored_completions_are_left_out_and_one_prompt_tells_nothing_of_others() -> None:
    prediction = predict_step_mean([[1.0, None], [0.0, 1.0], [None, None]], StepShape(4, 2))
    assert prediction and prediction.expected == pytest.approx(2 / 3)
    lone = predict_step_mean([[1.0, 0.0]], StepShape(4, 2), (-1.0, 2.0))
    assert lone and (lone.low, lone.high) == (-1.0, 2.0)
    assert predict_step_mean([[None], []], StepShape(4, 1)) is None


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (3, 3.182), (7, 2.365), (30, 2.042)]
)
def test_t_quantiles_agree_with_the_tables(freedom: int, quantile: float) -> None:
    assert t_quantile(freedom) == pytest.approx(quantile, rel=0.0005)
