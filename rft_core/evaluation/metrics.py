"""What k samples of one prompt are worth: pass@k, the majority's answer, the best by a score.

Pure functions over one prompt's samples, no torch. A verdict is True, False, or None where a sample
could not be judged; those are left out, never counted as wrong. A curve has one value for each
number of samples from 1 to n: what one would expect of so many of the n that were drawn. NaN
stands where there is nothing to expect from.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Verdicts = Sequence[bool | None]  # of one prompt's samples
Curve = NDArray[np.float64]  # at 1, 2, ... n samples
DRAWS = 32  # random orders of a prompt's samples, over which a vote of few of them is averaged


def pass_at_k(n: int, c: int, k: int) -> float:
    """Probability that at least one of k samples is right, given c right ones among n.

    The unbiased estimator 1 - C(n-c, k) / C(n, k) of Chen et al. 2021 (arXiv 2107.03374), eq. 1.
    """
    if not 1 <= k <= n or not 0 <= c <= n:
        raise ValueError(f"pass@k needs 1 <= k <= n and 0 <= c <= n, not n={n}, c={c}, k={k}")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


def prompt_pass_at_k(verdicts: Verdicts, k: int) -> float | None:
    """One prompt's pass@k; None if fewer than k of its samples were judged."""
    judged = [verdict for verdict in verdicts if verdict is not None]
    return pass_at_k(len(judged), sum(judged), k) if len(judged) >= k else None


def pass_curve(verdicts: Verdicts) -> Curve:
    """pass@1, pass@2, ... pass@n of one prompt."""
    found = [prompt_pass_at_k(verdicts, k) for k in range(1, len(verdicts) + 1)]
    return np.array([math.nan if value is None else value for value in found])


def majority_answer(answers: Sequence[str | None]) -> str | None:
    """The most frequent answer, the earliest of equals; None if no sample gave any."""
    counts = Counter(answer for answer in answers if answer is not None)
    return max(counts, key=counts.__getitem__, default=None)  # dicts keep the order of arrival


def is_majority_correct(answers: Sequence[str | None], verdicts: Verdicts) -> bool | None:
    """maj@k of one prompt: is the majority answer right? None if it could not be judged."""
    winner = majority_answer(answers)
    if winner is None:
        return False
    same = (verdict for answer, verdict in zip(answers, verdicts, strict=True) if answer == winner)
    return next((verdict for verdict in same if verdict is not None), None)


def majority_curve(
    answers: Sequence[str | None], verdicts: Verdicts, rng: np.random.Generator
) -> Curve:
    """maj@1, ... maj@n of one prompt. At n it is the vote of all, in the order they were drawn in.

    At 1 each sample is its own majority. In between it is the mean over random orders of the
    samples, of which the first ones vote; the earliest of equals wins there too, which over random
    orders is a coin toss between them.
    """
    n = len(answers)
    names = {answer: at for at, answer in enumerate(dict.fromkeys(a for a in answers if a))}
    if not names:
        return np.zeros(n)
    orders = rng.permuted(np.tile(np.arange(n), (DRAWS, 1)), axis=1)
    codes = np.array([names.get(answer or "", -1) for answer in answers])[orders]
    hits = codes[:, :, None] == np.arange(len(names))
    counts, first = hits.cumsum(axis=1, dtype=np.int32), hits.argmax(axis=1)
    winner = (counts * n - first[:, None, :]).argmax(axis=2)
    spoken = _as_numbers(verdicts)[orders]
    right = np.take_along_axis(spoken, np.take_along_axis(first, winner, axis=1), axis=1)
    right[counts.max(axis=2) == 0] = 0.0
    curve = _mean_of_rows(right)
    curve[0] = _mean_of_rows(_as_numbers(verdicts)[:, None] * _stated(answers)[:, None])[0]
    last = is_majority_correct(answers, verdicts)
    curve[-1] = math.nan if last is None else float(last)
    return curve


def best_of_curve(scores: Sequence[float], verdicts: Verdicts) -> Curve:
    """How often the highest score of 1, 2, ... n samples is a right one; the earliest of equals.

    Exact, over all subsets. At 1 it is what a random pick is worth, the control that every scorer
    must beat.
    """
    ranked = _as_numbers(verdicts)[np.argsort(-np.asarray(scores, dtype=float), kind="stable")]
    is_judged = ~np.isnan(ranked)
    leads = _list_leads(len(scores)) * is_judged
    total, share = leads @ np.where(is_judged, ranked, 0.0), leads.sum(axis=1)
    return _divide(total, share)


@cache
def _list_leads(n: int) -> NDArray[np.float64]:
    """Row j-1, column r: in which share of the subsets of j out of n the sample of rank r leads.

    C(n-1-r, j-1) / C(n, j): it is there, and the others are of lower rank. Ranks count from 0.
    """
    return np.array(
        [[math.comb(n - 1 - r, j - 1) / math.comb(n, j) for r in range(n)] for j in range(1, n + 1)]
    )


def agreement(answers: Sequence[str | None]) -> float | None:
    """Share of the samples that give the majority's answer; None where none gives any."""
    winner = majority_answer(answers)
    return None if winner is None else sum(a == winner for a in answers) / len(answers)


def mean(values: Sequence[float | None]) -> float | None:
    """Of the values that are there; None if there are none."""
    present = [value for value in values if value is not None]
    return math.fsum(present) / len(present) if present else None


def _as_numbers(verdicts: Verdicts) -> NDArray[np.float64]:
    return np.array([math.nan if verdict is None else float(verdict) for verdict in verdicts])


def _stated(answers: Sequence[str | None]) -> NDArray[np.float64]:
    return np.array([float(answer is not None) for answer in answers])


def _mean_of_rows(table: NDArray[np.float64]) -> Curve:
    """The mean of each column over what is there."""
    is_there = ~np.isnan(table)
    return _divide(np.where(is_there, table, 0.0).sum(axis=0), is_there.sum(axis=0))


def _divide(total: NDArray[np.float64], count: NDArray[Any]) -> Curve:
    """NaN where the count is 0."""
    shares: Curve = np.divide(total, count, out=np.full(len(total), math.nan), where=count > 0)
    return shares
