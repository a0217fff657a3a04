"""How sure one can be: intervals for a mean and for a paired difference. Seeded, numpy only.

The unit is the prompt: several samples of one prompt are averaged first, since they are not
independent evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rft_core.diagnosis.preflight.intervals import wilson_interval

RESAMPLES = 10_000
RESAMPLES_AT_ONCE = 500  # bounds the memory: this many rows of indices


@dataclass(frozen=True)
class PairedDifference:
    """Mean of b - a over the same prompts, its 95% interval, and the p-value of no difference."""

    difference: float
    ci: tuple[float, float]
    p_value: float
    n: int

    @property
    def is_significant(self) -> bool:
        return self.p_value < 0.05


def mean_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95% interval of the mean of per-prompt shares in [0, 1].

    Wilson for plain right-or-wrong values, and where all are equal, so that a bootstrap would claim
    certainty; the percentile bootstrap over prompts otherwise.
    """
    array = np.asarray(values, dtype=float)
    if np.isin(array, (0.0, 1.0)).all() or np.ptp(array) == 0:
        return wilson_interval(float(array.sum()), len(array))
    return _percentile_interval(array, np.random.default_rng(seed))


def paired_difference(a: Sequence[float], b: Sequence[float], seed: int = 0) -> PairedDifference:
    """Compare b with a on the same prompts, in the same order.

    The interval is a paired percentile bootstrap over prompts. The p-value is two-sided, from
    random sign flips of the differences; for right-or-wrong values that is McNemar's exact test.
    """
    if len(a) != len(b) or not a:
        raise ValueError(f"paired values need equal lengths above 0, not {len(a)} and {len(b)}")
    differences = np.asarray(b, dtype=float) - np.asarray(a, dtype=float)
    rng = np.random.default_rng(seed)
    observed = float(differences.mean())
    flipped = np.concatenate(
        [
            (rng.choice((-1.0, 1.0), size=(count, len(differences))) * differences).mean(axis=1)
            for count in _portions()
        ]
    )
    at_least = int((np.abs(flipped) >= abs(observed) - 1e-12).sum())
    return PairedDifference(
        difference=observed,
        ci=_percentile_interval(differences, rng),
        p_value=(at_least + 1) / (RESAMPLES + 1),  # the observed one counts: never exactly 0
        n=len(differences),
    )


def _percentile_interval(
    values: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float]:
    means = np.concatenate(
        [
            values[rng.integers(len(values), size=(count, len(values)))].mean(axis=1)
            for count in _portions()
        ]
    )
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _portions() -> list[int]:
    return [RESAMPLES_AT_ONCE] * (RESAMPLES // RESAMPLES_AT_ONCE)
