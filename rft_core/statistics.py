"""How sure one can be: intervals of shares and means, and tests of paired differences, on scipy.

The unit of an evaluation is the prompt: several samples of one prompt are averaged first, since
they are not independent evidence. Everything is seeded, and resampling holds at most `AT_ONCE`
numbers in memory. `scipy.stats` takes most of a second to import, so it waits for its first use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
RESAMPLES = 10_000
HALF = 0.5  # a prompt counts as solved where more than so much of its samples is right
AT_ONCE = 1_000_000  # numbers that resampling draws before it throws them away again


@dataclass(frozen=True)
class PairedDifference:
    """Mean of b - a over the same prompts, its 95% interval, and the p-value of no difference.

    `test` gave the p-value. `gained`: prompts that rose from at most one half to above it; `lost`:
    those that fell back. Where all values are right or wrong these are all that changed.
    """

    difference: float
    ci: tuple[float, float]
    p_value: float
    n: int
    test: Literal["McNemar", "sign flips"]
    gained: int
    lost: int

    @property
    def is_significant(self) -> bool:
        return self.p_value < 1 - CONFIDENCE

    @property
    def mcnemar(self) -> float:
        """The p-value of McNemar's exact test on the prompts that crossed one half."""
        return mcnemar_exact(self.gained, self.lost)


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
    from scipy.special import stdtrit  # `scipy.stats` would keep a run waiting for its first step

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def upper_bound(successes: int, n: int, confidence: float) -> float:
    """The largest share that is still likely: one-sided and exact (Clopper and Pearson, 1934).

    With that share or a larger one so few successes have at most 1 - `confidence` to happen. Where
    there were none it holds for the mean of unequal shares as well: the product of 1 - p is largest
    where all p are equal (the inequality of the means).
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError("a bound needs observations, and no more successes than these")
    from scipy.special import betaincinv

    if successes == n:
        return 1.0
    return float(betaincinv(successes + 1, n - successes, confidence))


def mean_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95% interval of the mean of per-prompt shares in [0, 1].

    Wilson for plain right-or-wrong values, and where all are equal, so that a bootstrap would claim
    certainty; the percentile bootstrap over prompts otherwise.
    """
    return mean_intervals(np.asarray(values, dtype=float)[:, None], seed)[0]


def mean_intervals(table: NDArray[np.float64], seed: int = 0) -> list[tuple[float, float]]:
    """`mean_interval` of each column of (prompts, columns), over the same resampled prompts.

    NaN stands for a prompt without a value; a column must have at least one.
    """
    is_there = ~np.isnan(table)
    filled = np.where(is_there, table, 0.0)
    is_plain = [
        bool(np.isin(own, (0.0, 1.0)).all() or np.ptp(own) == 0)
        for own in (column[there] for column, there in zip(table.T, is_there.T, strict=True))
    ]
    low = high = np.zeros(table.shape[1])
    if not all(is_plain):
        low, high = _bootstrap_columns(filled, is_there, np.random.default_rng(seed))
    return [
        wilson_interval(float(filled[:, at].sum()), int(is_there[:, at].sum()))
        if plain
        else (float(low[at]), float(high[at]))
        for at, plain in enumerate(is_plain)
    ]


def _bootstrap_columns(
    filled: NDArray[np.float64], is_there: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95% percentile limits of every column's mean. How often a resample draws each prompt is one
    multinomial row, so that the means of all columns are one product of matrices."""
    count = len(filled)
    means = []
    for start in range(0, RESAMPLES, _batch(count)):
        size = min(_batch(count), RESAMPLES - start)
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=size).astype(float)
        means.append(drawn @ filled / np.maximum(drawn @ is_there, 1))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail], axis=0)
    return low, high


def paired_difference(a: ArrayLike, b: ArrayLike, seed: int = 0) -> PairedDifference:
    """Compare b with a on the same prompts, in the same order: [prompts], or [repeats, prompts].

    Repeats are trainings with other seeds, the n-th of b beside the n-th of a. The interval is a
    paired percentile bootstrap over prompts, and over repeats where there are several: so it says
    how far other prompts and other seeds could change the difference (of three seeds rather less
    than of all there could be: a bootstrap sees only those it has). The two-sided p-value is
    McNemar's exact test for right-or-wrong values, else from random sign flips of the differences,
    both of the means over repeats.
    """
    before, after = (np.atleast_2d(np.asarray(values, dtype=float)) for values in (a, b))
    if before.shape != after.shape or not before.size:
        raise ValueError(f"paired values need one size above 0, not {before.shape}, {after.shape}")
    rng = np.random.default_rng(seed)
    interval = _difference_interval(before, after, rng)
    before, after = before.mean(axis=0), after.mean(axis=0)
    differences = after - before
    is_right_or_wrong = bool(np.isin((before, after), (0.0, 1.0)).all())
    was_high, is_high = before > HALF, after > HALF
    gained, lost = int((is_high & ~was_high).sum()), int((was_high & ~is_high).sum())
    return PairedDifference(
        difference=float(differences.mean()),
        ci=interval,
        p_value=mcnemar_exact(gained, lost)
        if is_right_or_wrong
        else sign_flip_test(differences, rng),
        n=len(differences),
        test="McNemar" if is_right_or_wrong else "sign flips",
        gained=gained,
        lost=lost,
    )


def _difference_interval(
    before: NDArray[np.float64], after: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float]:
    """Of the mean difference. Shares that all differ by as much get Wilson's limits: a bootstrap
    of equal values would claim certainty, of four prompts as of four thousand."""
    differences = after - before
    are_shares = bool(((before >= 0) & (before <= 1) & (after >= 0) & (after <= 1)).all())
    if np.ptp(differences) == 0 and are_shares:
        size, n = float(differences[0, 0]), differences.shape[1]
        low, high = wilson_interval(abs(size) * n, n)
        return (low, high) if size > 0 else (-high, -low) if size < 0 else (-high, high)
    if len(differences) == 1:
        return bootstrap_interval(differences[0], rng)
    return _bootstrap_crossed(differences, rng)


def _bootstrap_crossed(
    values: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float]:
    """95% percentile interval of the mean of [repeats, prompts], both drawn with replacement."""
    rows, columns = values.shape
    means = []
    for start in range(0, RESAMPLES, _batch(columns)):
        size = min(_batch(columns), RESAMPLES - start)
        repeats = rng.multinomial(rows, np.full(rows, 1 / rows), size=size) / rows
        prompts = rng.multinomial(columns, np.full(columns, 1 / columns), size=size) / columns
        means.append(((repeats @ values) * prompts).sum(axis=1))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)


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
