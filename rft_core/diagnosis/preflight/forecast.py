"""What the first training step will record, predicted from a dry run, and how long it will take.

The names are those of the recorded metrics, so that a prediction can be held against the run; only
`unparsable` is not recorded. The policy is still the base model in that step, and the prompts are
others: see `intervals.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rft_core.diagnosis.preflight.dry_run_data import DryRunData
from rft_core.diagnosis.preflight.intervals import (
    UNIT,
    Prediction,
    StepShape,
    predict_share,
    predict_step_mean,
)
from rft_core.rewards.advantages import zero_variance_share
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.shaping import score_range

REWARD = "reward"
ZERO_VARIANCE = "frac_reward_zero_std"
TRUNCATED = "completions/clipped_ratio"
LENGTH = "completions/mean_length"
FLAGGED = "flagged"
UNPARSABLE = "unparsable"


@dataclass(frozen=True)
class StepTime:
    """Seconds of one step: sampling and scoring as measured, the update as estimated."""

    sampling: float | None
    scoring: float
    update: float | None

    @property
    def total(self) -> float | None:
        """None where a part is not known."""
        if self.sampling is None or self.update is None:
            return None
        return self.sampling + self.scoring + self.update


@dataclass(frozen=True)
class Forecast:
    """`predictions` by the name of the metric; `teaching`: groups of a step with a gradient."""

    step: StepShape
    predictions: Mapping[str, Prediction]
    teaching: Prediction
    time: StepTime

    @property
    def reward(self) -> Prediction | None:
        return self.predictions.get(REWARD)


def function_metric(name: str) -> str:
    return f"rewards/{name}/mean"


def make_forecast(data: DryRunData, unparsable: Sequence[bool] | None = None) -> Forecast | None:
    """None for a single prompt, which tells nothing of others, and where nothing is scored."""
    flat = [zero_variance_share(group, len(group)) == 1 for group in data.grouped(data.rewards)]
    without_variance = predict_share(flat, data.step)
    if without_variance is None or data.num_groups < 2:
        return None
    predictions = {ZERO_VARIANCE: without_variance, **_predict_means(data, unparsable)}
    return Forecast(
        data.step, predictions, _count_teaching(without_variance, data.step), _time(data)
    )


def _predict_means(data: DryRunData, unparsable: Sequence[bool] | None) -> dict[str, Prediction]:
    """Everything that a step has a mean of."""
    ranges = {entry.name: _score_range(data, entry) for entry in data.reward_set.entries}
    measured: dict[str, tuple[Sequence[float | None], tuple[float, float]]] = {
        REWARD: (data.rewards, _reward_range(data.reward_set.entries, ranges)),
        FLAGGED: ([float(bool(s.flags)) for s in data.scoring.samples], UNIT),
    }
    if unparsable is not None:
        measured[UNPARSABLE] = ([float(lost) for lost in unparsable], UNIT)
    for name, bounds in ranges.items():
        measured[function_metric(name)] = (data.scores(name), bounds)
    if data.lengths:
        measured[TRUNCATED] = ([float(cut) for cut in data.truncated], UNIT)
        limit = float(max([data.config.max_completion_length, *data.lengths]))
        measured[LENGTH] = ([float(length) for length in data.lengths], (0.0, limit))
    found = {
        metric: predict_step_mean(data.grouped(values), data.step, bounds)
        for metric, (values, bounds) in measured.items()
    }
    return {metric: prediction for metric, prediction in found.items() if prediction}


def _score_range(data: DryRunData, entry: RewardEntry) -> tuple[float, float]:
    return score_range(entry, [s for s in data.scores(entry.name) if s is not None])


def _reward_range(
    entries: Sequence[RewardEntry], ranges: Mapping[str, tuple[float, float]]
) -> tuple[float, float]:
    ends = [sorted(entry.weight * end for end in ranges[entry.name]) for entry in entries]
    return math.fsum(low for low, _ in ends), math.fsum(high for _, high in ends)


def _count_teaching(without: Prediction, step: StepShape) -> Prediction:
    """Whole groups: the interval is rounded to counts that it contains."""
    expected = step.prompts * (1 - without.expected)
    low = math.ceil(step.prompts * (1 - without.high) - 1e-9)
    high = math.floor(step.prompts * (1 - without.low) + 1e-9)
    return Prediction(
        expected, float(min(low, high)), float(max(low, high)), (0.0, float(step.prompts))
    )


def _time(data: DryRunData) -> StepTime:
    share = data.step.prompts * data.step.num_generations / len(data.scoring.samples)
    sampling = data.sampling_seconds
    return StepTime(
        sampling=None if sampling is None else sampling * share,
        scoring=math.fsum(report.seconds for report in data.scoring.reports) * share,
        update=data.update_seconds,
    )
