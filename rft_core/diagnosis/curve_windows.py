"""Windows of curves held against each other: how far a mean has moved, and how sure that is.

What watches a reward beside something independent of it asks here: `hack_radar.py` of whole runs,
`overoptimisation.py` of a reward model, at every step. Everything works on arrays of comparisons,
so that all looks that a long run has ever allowed cost one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 8  # steps whose means are compared
SMALLEST_P = 1e-300

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Move:
    """Differences of means, an entry for each comparison, with their squared standard errors.

    `freedom`: degrees of freedom of each error (Welch and Satterthwaite: no equal variances).
    """

    difference: Array
    squared_error: Array
    freedom: Array

    def is_rise(self, errors: float) -> bool:
        """Of a single comparison: whether it is up by more than so many standard errors."""
        up, error = float(self.difference[0]), float(self.squared_error[0]) ** 0.5
        return up > 0 and up > errors * error

    def p_value(self) -> Array:
        """One-sided, of no rise. Where nothing has any spread a rise is sure."""
        from scipy.special import stdtr  # `scipy.stats` takes most of a second to import

        sure = np.where(self.difference > 0, np.inf, -np.inf)
        error = np.sqrt(self.squared_error)
        t = np.divide(self.difference, error, out=sure, where=error > 0)
        p: Array = np.clip(stdtr(np.maximum(self.freedom, 1), -t), SMALLEST_P, 1.0)
        return p

    def scaled(self, factor: float) -> Move:
        return Move(factor * self.difference, factor**2 * self.squared_error, self.freedom)

    def minus(self, other: Move) -> Move:
        """The difference of two moves that were measured apart from each other."""
        total = self.squared_error + other.squared_error
        parts = self.squared_error**2 / self.freedom + other.squared_error**2 / other.freedom
        freedom = np.divide(total**2, parts, out=np.full_like(total, np.inf), where=parts > 0)
        return Move(self.difference - other.difference, total, freedom)


def compare(before: Sequence[float], after: Sequence[float]) -> Move:
    """One comparison of two windows of as many points, two or more."""
    windows = Windows(np.array([*before, *after], dtype=float), len(before))
    return windows.move(np.array([0]), np.array([len(before)]))


class Windows:
    """Every window of `size` points of a curve that is no shorter; window i begins at point i.

    Means of all are one cumulative sum; spreads are computed of the windows that are compared.
    """

    def __init__(self, values: Array, size: int = WINDOW) -> None:
        self.size = size
        self._values = values
        sums = np.concatenate([[0.0], np.cumsum(values)])
        self.mean: Array = (sums[size:] - sums[:-size]) / size

    def squared_error(self, at: Places) -> Array:
        views = np.lib.stride_tricks.sliding_window_view(self._values, self.size)
        variance: Array = views[at].var(axis=1, ddof=1) / self.size
        return variance

    def move(self, then: Places, now: Places) -> Move:
        """From the windows `then` to the windows `now`, pair by pair."""
        a, b = self.squared_error(then), self.squared_error(now)
        parts = (a**2 + b**2) / (self.size - 1)
        endless = np.full_like(a, np.inf)
        freedom = np.divide((a + b) ** 2, parts, out=endless, where=parts > 0)
        return Move(self.mean[now] - self.mean[then], a + b, freedom)

    def best_so_far(self) -> Places:
        """Of each window the one with the highest mean among it and those before it."""
        highest = np.maximum.accumulate(self.mean)
        is_new = np.concatenate([[True], self.mean[1:] > highest[:-1]])
        return np.maximum.accumulate(np.where(is_new, np.arange(len(self.mean)), 0))
