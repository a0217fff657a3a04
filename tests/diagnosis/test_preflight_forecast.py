"""The forecast speaks of the step that the settings describe, in the names that runs record."""

import pytest

from rft_core.config import RunConfig
from rft_core.diagnosis.preflight.forecast import Forecast, make_forecast
from rft_core.rewards.contract import RewardEntry
from tests.diagnosis.dry_run_cases import make_tried

HALF = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]


def forecast(*args, **kwargs) -> Forecast:
    found = make_forecast(make_tried(*args, **kwargs))
    assert found
    return found


def test_metrics_have_the_names_that_training_records() -> None:
    found = forecast({"a": HALF, "b": HALF}, 2, lengths=[5] * 8)
    assert set(found.predictions) == {
        "reward", "rewards/a/mean", "rewards/b/mean", "frac_reward_zero_std",
        "completions/clipped_ratio", "completions/mean_length", "flagged",
    }  # fmt: skip
    assert found.reward and found.reward.expected == 1.0
    assert "completions/mean_length" not in forecast(HALF, 2).predictions


def test_the_step_is_that_of_the_settings() -> None:
    found = forecast(HALF, 2, num_generations=2, per_device_train_batch_size=12)
    assert (found.step.prompts, found.step.num_generations) == (6, 2)
    accumulated = forecast(HALF, 2, gradient_accumulation_steps=3)
    assert accumulated.step.prompts == 3 * RunConfig().generation_batch_size // 8


def test_teaching_groups_are_whole_numbers_around_what_is_expected() -> None:
    teaching = forecast(HALF, 2).teaching
    assert teaching.expected == pytest.approx(4)
    assert (teaching.low, teaching.high) == (0, 8)
    sure = forecast([1.0, 0.0] * 64, 2).teaching
    assert sure.high == sure.expected == 8 and sure.low >= 7


def test_intervals_stay_within_what_the_functions_can_give() -> None:
    entries = [
        RewardEntry("a", "python", 2.0, source="..."),
        RewardEntry("b", "python", -1.0, source="...", clip_high=3.0, clip_low=-3.0),
    ]
    found = forecast({"a": [0, 0, 1, 1], "b": [3, -3, 3, -3]}, 2, entries=entries)
    assert found.predictions["rewards/a/mean"].high == 1
    assert found.predictions["rewards/b/mean"].low == -3
    assert found.reward and -3 <= found.reward.low <= found.reward.high <= 5


def test_ranks_are_not_held_to_bounds_that_were_applied_before_them() -> None:
    ranked = RewardEntry("f", "python", source="...", clip_high=0.5, in_group="rank")
    found = forecast([0, 1 / 3, 2 / 3, 1] * 4, 4, entries=[ranked]).reward
    assert found and found.bounds == (0, 1)
    assert found.high - found.expected == pytest.approx(found.expected - found.low) != 0


def test_time_is_scaled_to_the_step_and_unknown_where_a_part_is() -> None:
    time = forecast(HALF, 2, sampling_seconds=2.0, seconds=0.5, update_seconds=1.0).time
    assert (time.sampling, time.scoring, time.update) == (16.0, 4.0, 1.0)
    assert time.total == 21.0
    assert forecast(HALF, 2).time.total is None


def test_a_single_prompt_or_no_score_at_all_gives_no_forecast() -> None:
    assert make_forecast(make_tried(HALF, 8)) is None
    nothing = make_forecast(make_tried([None] * 4, 2))
    assert nothing is not None and nothing.reward is None
