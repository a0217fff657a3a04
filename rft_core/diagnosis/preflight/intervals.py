"""What the mean of a training step will be, with the interval in which to expect it.

A dry run scores G prompts, a training step M others, both with some completions each. Prompts
differ from each other, and so do the completions of one prompt, which makes two levels:

    score of a completion = mean + deviation of its prompt + its own deviation

The two variances come from the analysis of variance (Searle, Casella, McCulloch, *Variance
Components*, 1992, section 3.6), the one between prompts cut off at 0. The mean of a step of M
prompts x n completions then lies in

    mean ± t(G - 1) · sqrt((between + within / n) / M + (between + within / size) / G)

for 95 of 100 dry runs: the first part is the step's own luck, the second that of the dry run
(Geisser, *Predictive Inference*, 1993, section 2.2). It is on the safe side where prompts are
alike, because t counts the prompts and not their completions. Where nearly all scores are equal,
rare others may just not have been seen: the variance is then at least that of a share of 1 in
N + 2, as in Laplace's rule of succession. Bounds of the scores bound the interval.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rft_core.statistics import t_quantile

Group = Sequence[float | None]  # one prompt's scores; None could not be judged

UNIT = (0.0, 1.0)


@dataclass(frozen=True)
class StepShape:
    """How much a training step samples: `prompts` x `num_generations` completions."""

    prompts: int
    num_generations: int


@dataclass(frozen=True)
class Spread:
    """The mean of a dry run's scores, and how they vary between and within prompts."""

    mean: float
    between: float
    within: float
    num_groups: int
    group_size: float  # harmonic mean: unscored completions make groups uneven


@dataclass(frozen=True)
class Prediction:
    """What is expected of one step, the 95% interval, and between which `bounds` all values lie."""

    expected: float
    low: float
    high: float
    bounds: tuple[float, float] = UNIT

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    def covers(self, value: float) -> bool:
        return self.low - 1e-9 <= value <= self.high + 1e-9


def predict_step_mean(
    groups: Sequence[Group], step: StepShape, bounds: tuple[float, float] = UNIT
) -> Prediction | None:
    """The mean score of a step, from the scores of a dry run; None where nothing was scored.

    With a single prompt nothing is known of others: the interval is all that is possible.
    """
    scored = [[score for score in group if score is not None] for group in groups]
    scored = [group for group in scored if group]
    if not scored:
        return None
    spread = measure_spread(scored)
    low, high = bounds
    if len(scored) > 1:
        half = t_quantile(len(scored) - 1) * _deviation(spread, step, _hidden(scored, bounds))
        low, high = max(low, spread.mean - half), min(high, spread.mean + half)
    return Prediction(spread.mean, min(low, spread.mean), max(high, spread.mean), bounds)


def predict_share(flags: Sequence[bool], step: StepShape) -> Prediction | None:
    """The share of a step's groups that have a property, such as no variance."""
    return predict_step_mean([[float(flag)] for flag in flags], StepShape(step.prompts, 1))


def measure_spread(groups: Sequence[Sequence[float]]) -> Spread:
    """Mean and variances of groups that hold at least one score each."""
    scores = [score for group in groups for score in group]
    means = [statistics.fmean(group) for group in groups]
    size = statistics.harmonic_mean([len(group) for group in groups])
    squares = math.fsum(
        (score - mean) ** 2 for group, mean in zip(groups, means, strict=True) for score in group
    )
    freedom = len(scores) - len(groups)
    within = squares / freedom if freedom else 0.0
    around = statistics.variance(means) if len(means) > 1 else 0.0
    between = max(0.0, around - within / size)
    return Spread(statistics.fmean(scores), between, within, len(groups), size)


def _deviation(spread: Spread, step: StepShape, hidden: float) -> float:
    """Standard deviation of the step's mean around the dry run's."""
    of_step = max(spread.between + spread.within / step.num_generations, hidden)
    of_dry_run = max(spread.between + spread.within / spread.group_size, hidden)
    return math.sqrt(of_step / step.prompts + of_dry_run / spread.num_groups)


def _hidden(groups: Sequence[Sequence[float]], bounds: tuple[float, float]) -> float:
    """The least variance between groups to reckon with, if most scores are the same."""
    scores = [score for group in groups for score in group]
    if 2 * Counter(scores).most_common(1)[0][1] <= len(scores):
        return 0.0
    share = 1 / (len(scores) + 2)
    return share * (1 - share) * (bounds[1] - bounds[0]) ** 2
