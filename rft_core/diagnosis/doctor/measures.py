"""How sure the numbers of a few steps are: levels of shares and means, lines through them, falls.

A rule asks for a bound and never for the mean alone. Steps are observations of their own, since the
completions of a step resemble each other; where the completions are counted too, an exact interval
speaks from the first step on. Bounds hold with `CONFIDENCE`, on one side: rules look at every step
of a run, and a smaller one would be crossed by chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rft_core.statistics import upper_bound

CONFIDENCE = 0.995
WINDOW = 8  # steps that are called recent
FEW = 3  # steps of which a spread says anything
MOST_POINTS = 60  # a longer curve is averaged to so many before a line is fitted

Values = NDArray[Any]


@dataclass(frozen=True)
class Level:
    """Where the last `steps` steps lie: their mean, and between which bounds it is."""

    mean: float
    low: float
    high: float
    steps: int

    def __str__(self) -> str:
        return f"{self.mean:.3g} (between {self.low:.3g} and {self.high:.3g})"

    @property
    def percent(self) -> str:
        return f"{self.mean:.0%} (between {self.low:.0%} and {self.high:.0%})"


@dataclass(frozen=True)
class Line:
    """A least-squares line: its slope per step with bounds, and where it ends."""

    slope: float
    low: float
    high: float
    end: float

    @property
    def rises(self) -> bool:
        return self.low > 0

    @property
    def falls(self) -> bool:
        return self.high < 0


def mean_level(values: Values, window: int = WINDOW, least: int = FEW) -> Level | None:
    """Of the last steps, by their spread (Student's t); None while there are fewer than `least`."""
    recent = values[-window:]
    if len(recent) < max(least, 2):
        return None
    mean, margin = float(recent.mean()), _margin(recent)
    return Level(mean, mean - margin, mean + margin, len(recent))


def share_level(values: Values, per_step: int, window: int = WINDOW) -> Level | None:
    """Of the last steps' shares. `per_step`: of how many each is one; 0: not known.

    Where it is known, the exact binomial interval or that of the steps, whichever is wider; where
    not, the steps alone, and a whole window of them.
    """
    if not per_step:
        level = mean_level(values, window, window)
        return level and Level(level.mean, max(level.low, 0), min(level.high, 1), level.steps)
    recent = values[-window:]
    if not len(recent):
        return None
    count = per_step * len(recent)
    mean = float(recent.mean())
    hits = min(max(round(mean * count), 0), count)
    low = 1 - upper_bound(count - hits, count, CONFIDENCE)
    high = upper_bound(hits, count, CONFIDENCE)
    if len(recent) >= FEW:
        margin = _margin(recent)
        low, high = min(low, mean - margin), max(high, mean + margin)
    return Level(mean, max(low, 0.0), min(high, 1.0), len(recent))


def first_level(values: Values, window: int = WINDOW) -> Level | None:
    """Of the first steps, no more than a third of all, so that it can differ from the last."""
    size = min(window, len(values) // 3)
    return mean_level(values[:size], size, FEW) if size >= FEW else None


def first_share(values: Values, per_step: int, window: int = WINDOW) -> Level | None:
    size = min(window, len(values) // 2)
    return share_level(values[:size], per_step, size) if size >= FEW else None


def fit_line(values: Values, least: int = 8) -> Line | None:
    """Through all of them, one a step; None where there are fewer than `least`."""
    total = len(values)
    if total < least:
        return None
    parts = np.array_split(values.astype(float), min(total, MOST_POINTS))
    y = np.array([part.mean() for part in parts])
    ends = np.cumsum([len(part) for part in parts])
    x = ends - np.array([len(part) for part in parts]) / 2
    dx = x - x.mean()
    slope = float((dx * y).sum() / (dx * dx).sum())
    left = y - y.mean() - slope * dx
    error = math.sqrt(float((left * left).sum()) / max(len(y) - 2, 1) / float((dx * dx).sum()))
    margin = _quantile(len(y) - 2) * error
    return Line(slope, slope - margin, slope + margin, float(y.mean() + slope * (total - x.mean())))


def steady_noise(values: Values) -> float:
    """The spread of single steps around a curve that moves slowly: from what neighbours differ."""
    if len(values) < 2:
        return 0.0
    return float(np.sqrt(np.mean(np.diff(values) ** 2) / 2))


def noise_beside_a_fall(values: Values) -> float:
    """The same without the largest difference: a fall that is looked for is no noise."""
    moves = np.sort(np.abs(np.diff(values)))[:-1]
    return float(np.sqrt(np.mean(moves**2) / 2)) if len(moves) else 0.0


def _margin(values: Values) -> float:
    return _quantile(len(values) - 1) * float(values.std(ddof=1)) / math.sqrt(len(values))


def _quantile(freedom: int) -> float:
    from scipy.special import stdtrit  # `scipy.stats` takes most of a second to import

    return float(stdtrit(max(freedom, 1), CONFIDENCE))
