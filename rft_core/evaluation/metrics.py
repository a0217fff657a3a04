"""Accuracy from several samples per prompt: pass@k, majority vote. Pure functions, no torch.

A prompt's samples are a list with True, False, or None where a sample could not be judged; those
are left out, never counted as wrong.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

Verdicts = Sequence[bool | None]  # of one prompt's samples


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


def majority_answer(answers: Sequence[str | None]) -> str | None:
    """The most frequent answer, the earliest of equals; None if no sample gave any."""
    counts = Counter(answer for answer in answers if answer is not None)
    return max(counts, key=counts.__getitem__, default=None)  # dicts keep the order of arrival


def is_majority_correct(answers: Sequence[str | None], verdicts: Verdicts) -> bool | None:
    """maj@k of one prompt: is the majority answer right? None if it could not be judged."""
    winner = majority_answer(answers)
    if winner is None:
        return False
    return verdicts[answers.index(winner)]


def mean(values: Sequence[float | None]) -> float | None:
    """Of the values that are there; None if there are none."""
    present = [value for value in values if value is not None]
    return math.fsum(present) / len(present) if present else None
