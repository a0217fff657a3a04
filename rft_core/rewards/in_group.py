"""Completions compared with the others of their prompt: which those are, and scores from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rft_core.rewards.contract import Batch

EVEN = 0.5


def list_groups(batch: Batch) -> Iterator[list[int]]:
    """The indices of each group: consecutive completions of the same prompt and row."""
    indices = range(len(batch))
    for _, group in groupby(indices, key=lambda index: (batch.prompts[index], batch.rows[index])):
        yield list(group)


def rank_within(scores: Sequence[float]) -> list[float]:
    """0 for the lowest to 1 for the highest; equal scores share the middle of their places."""
    if len(scores) < 2:
        return [EVEN] * len(scores)
    below = [sum(other < score for other in scores) for score in scores]
    equal = [scores.count(score) for score in scores]
    return [(b + (e - 1) / 2) / (len(scores) - 1) for b, e in zip(below, equal, strict=True)]


def stretch(scores: Sequence[float]) -> list[float]:
    """0 for the lowest to 1 for the highest, the others in proportion."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - low) / (high - low) if high > low else EVEN for score in scores]
