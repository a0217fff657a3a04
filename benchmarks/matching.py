"""Lengths at which two runs' rewards have risen alike, shown by an equivalence test.

That two rises do not differ significantly shows nothing: noise alone can hide a difference. Here
they must be shown to differ by less than a margin (two one-sided tests, Schuirmann 1987). Rewards
of different kinds begin at different levels, and a constant teaches nothing: so what is matched is
how far they rose from where they began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from rft_core.diagnosis.curve_windows import WINDOW, Array

MARGIN = 0.15  # of the reward's range
TEST = 0.05  # of each of the two one-sided tests
LEAST_RISE = 0.08  # of the reward's range, of both: where nothing rose there is nothing to tell


@dataclass(frozen=True)
class Rise:
    """From the first to the second half: Welch's difference, its error, degrees of freedom."""

    difference: float
    error: float
    freedom: float


@dataclass(frozen=True)
class Match:
    """(hack, honest) each. `interval`: 90%, of the difference; it lies within the margin."""

    lengths: tuple[int, int]
    rises: tuple[float, float]
    interval: tuple[float, float]


def measure_rise(reward: Array) -> Rise:
    half = len(reward) // 2
    before, after = reward[:half], reward[-half:]
    a, b = before.var(ddof=1) / half, after.var(ddof=1) / half
    freedom = (a + b) ** 2 / max((a**2 + b**2) / (half - 1), 1e-30)
    return Rise(float(after.mean() - before.mean()), float((a + b) ** 0.5), max(freedom, 1.0))


def find_match(hack: Array, honest: Array) -> Match | None:
    """The longest lengths, in sum, that pass; None where none do."""
    rises = [
        {n: measure_rise(reward[:n]) for n in range(2 * WINDOW, len(reward) + 1)}
        for reward in (hack, honest)
    ]
    lengths = [(n, m) for n, one in rises[0].items() for m, other in rises[1].items()
               if min(one.difference, other.difference) >= LEAST_RISE]  # fmt: skip
    for n, m in sorted(lengths, key=lambda pair: (-sum(pair), abs(pair[0] - pair[1]))):
        if interval := test_equivalence(rises[0][n], rises[1][m]):
            return Match((n, m), (rises[0][n].difference, rises[1][m].difference), interval)
    return None


def test_equivalence(one: Rise, other: Rise) -> tuple[float, float] | None:
    """The 90% interval of the difference where both tests pass, which puts it in the margin."""
    difference, error = one.difference - other.difference, np.hypot(one.error, other.error)
    parts = one.error**4 / one.freedom + other.error**4 / other.freedom
    freedom = max(float(error**4 / max(parts, 1e-30)), 1.0)
    above, below = ((MARGIN - difference) / error, (MARGIN + difference) / error)
    if max(stdtr(freedom, -above), stdtr(freedom, -below)) >= TEST:
        return None
    width = float(stdtrit(freedom, 1 - TEST)) * float(error)
    return difference - width, difference + width
