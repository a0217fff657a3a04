"""Curves of several runs for one chart: of seeds, their mean and the band that they span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from rft_core.figures import Array, Curve


@dataclass(frozen=True, eq=False)
class Band:
    """The mean over runs at every step that all of them measured, and their lowest and highest.

    `minutes`, `tokens`: since step 0, their mean over the runs.
    """

    step: Array
    minutes: Array
    tokens: Array
    mean: Array
    low: Array
    high: Array


def make_band(curves: Sequence[Curve]) -> Band | None:
    """None without a step that all have measured. Of one curve the band has no width."""
    if not curves:
        return None
    steps = reduce(np.intersect1d, (curve.step for curve in curves))
    if not len(steps):
        return None
    places = [np.searchsorted(curve.step, steps) for curve in curves]
    minutes, tokens, values = (
        np.stack([getattr(curve, name)[at] for curve, at in zip(curves, places, strict=True)])
        for name in ("minutes", "tokens", "value")
    )
    return Band(
        steps, minutes.mean(axis=0), tokens.mean(axis=0), values.mean(axis=0),
        values.min(axis=0), values.max(axis=0),
    )  # fmt: skip
