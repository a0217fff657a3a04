"""How sure one can be: intervals of shares and means, and tests of paired differences, on scipy.

The unit of an evaluation is the prompt: several samples of one prompt are averaged first, since
they are not independent evidence. Everything is seeded, and resampling holds at most `AT_ONCE`
numbers in memory. `scipy.stats` takes most of a second to import, so it waits for its first use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 10_000
AT_ONCE = 1_000_000  # numbers that resampling draws before it throws them away again


@dataclass(frozen=True)
class PairedDifference:
    """Mean of b - a over the same prompts, its 95% interval, and the p-value of no difference."""

    difference: float
    ci: tuple[float, float]
    p_value: float
    n: int

    @property
    def is_significant(self) -> bool:
        return self.p_value < 1 - CONFIDENCE


def wilson_interval(successes: float, n: int) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927), honest also at 0% and 100%, where others are empty.

    `successes` may lie between whole numbers, as a sum of shares does: so do the limits then.
    """
    from scipy.stats import binomtest

    if n <= 0:
        raise ValueError("an interval needs at least one observation")
    whole = min(math.floor(successes + 1e-9), n)
    part = max(0.0, successes - whole)
    low, high = binomtest(whole, n).proportion_ci(CONFIDENCE, method="wilson")
    if part > 1e-9:
        above = binomtest(whole + 1, n).proportion_ci(CONFIDENCE, method="wilson")
        low, high = low + part * (above.low - low), high + part * (above.high - high)
    return float(low), float(high)


def t_quantile(freedom: int) -> float:
    """Two-sided 95% quantile of Student's t."""
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, freedom))


def mean_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95% interval of the mean of per-prompt shares in [0, 1].

    Wilson for plain right-or-wrong values, and where all are equal, so that a bootstrap would claim
    certainty; the percentile bootstrap over prompts otherwise.
    """
    array = np.asarray(values, dtype=float)
    if np.isin(array, (0.0, 1.0)).all() or np.ptp(array) == 0:
        return wilson_interval(float(array.sum()), len(array))
    return bootstrap_interval(array, np.random.default_rng(seed))


def paired_difference(a: Sequence[float], b: Sequence[float], seed: int = 0) -> PairedDifference:
    """Compare b with a on the same prompts, in the same order.

    The interval is a paired percentile bootstrap over prompts. The two-sided p-value is McNemar's
    exact test for right-or-wrong values, else from random sign flips of the differences.
    """
    if len(a) != len(b) or not a:
        raise ValueError(f"paired values need equal lengths above 0, not {len(a)} and {len(b)}")
    differences = np.asarray(b, dtype=float) - np.asarray(a, dtype=float)
    rng = np.random.default_rng(seed)
    is_right_or_wrong = bool(np.isin((a, b), (0.0, 1.0)).all())
    return PairedDifference(
        difference=float(differences.mean()),
        ci=bootstrap_interval(differences, rng),
        p_value=mcnemar_exact(int((differences > 0).sum()), int((differences < 0).sum()))
        if is_right_or_wrong
        else sign_flip_test(differences, rng),
        n=len(differences),
    )


def mcnemar_exact(gained: int, lost: int) -> float:
    """Two-sided p-value of as many prompts gained as lost (McNemar 1947, exact: a sign test)."""
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def sign_flip_test(differences: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Two-sided p-value of a mean of 0, if each difference could as well have had the other sign.

    Never exactly 0: what was observed counts as one of the draws.
    """
    from scipy.stats import monte_carlo_test

    def flip(size: tuple[int, ...]) -> NDArray[np.float64]:
        return rng.choice((-1.0, 1.0), size=size) * differences

    found = monte_carlo_test(
        differences, flip, np.mean, vectorized=True, n_resamples=RESAMPLES,
        batch=_batch(len(differences)),
    )  # fmt: skip
    return float(found.pvalue)


def bootstrap_interval(
    values: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float]:
    """95% percentile interval of the mean; a single value, or equal ones, have no width."""
    from scipy.stats import bootstrap

    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    found = bootstrap(
        (values,), np.mean, method="percentile", confidence_level=CONFIDENCE,
        n_resamples=RESAMPLES, batch=_batch(len(values)), rng=rng,
    )  # fmt: skip
    low, high = found.confidence_interval
    return float(low), float(high)


def _batch(count: int) -> int:
    return max(1, AT_ONCE // count)
