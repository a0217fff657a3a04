"""The moving average that is drawn over a curve, of all its points: thinned ones would bend it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FORGOTTEN = 1e-8  # a weight that changes no pixel


def smooth(y: Array, weight: float, start: int = 0) -> Array:
    """The exponential moving average from point `start` on; NaN where `y` is.

    `weight` (0 to below 1) is that of the past. Corrected for its start as Adam corrects its
    moments, so the first value is the first point and not a pull towards zero. A point also stands
    for the unmeasured ones before it. Looks only as far back as `weight` remembers. (pandas' `ewm`
    says the same; for the few new points of a tick it takes twenty times as long, of each curve.)
    """
    reach = math.ceil(math.log(FORGOTTEN) / math.log(weight)) if weight > 0 else 0
    first = max(0, start - reach)
    seen = np.asarray(y[first:], dtype=np.float64)
    if not len(seen):
        return seen
    weights = weight ** np.arange(min(reach + 1, len(seen)))
    known = np.cumsum(weights)[np.minimum(np.arange(len(seen)), len(weights) - 1)]
    average = np.convolve(_fill(seen), weights)[: len(seen)] / known
    average[~np.isfinite(seen)] = np.nan
    return average[start - first :]


def stretch_mean(y: Array, width: int, start: int = 0) -> Array:
    """The mean of `width` points around each one from `start` on, fewer at the ends; NaN where `y`
    is, and of what was measured alone."""
    first = max(0, start - width)
    seen = np.asarray(y[first:], dtype=np.float64)
    measured = np.isfinite(seen)
    sums = np.concatenate([[0.0], np.cumsum(np.where(measured, seen, 0.0))])
    counts = np.concatenate([[0], np.cumsum(measured)])
    at = np.arange(len(seen))
    low, high = np.maximum(at - width // 2, 0), np.minimum(at + width - width // 2, len(seen))
    with np.errstate(invalid="ignore"):
        mean = (sums[high] - sums[low]) / (counts[high] - counts[low])
    return np.where(measured, mean, np.nan)[start - first :]


def _fill(y: Array) -> Array:
    """Each unmeasured point as the next that was measured; 0 behind the last."""
    measured = np.isfinite(y)
    if measured.all():
        return y
    after = np.where(measured, np.arange(len(y)), len(y))
    return np.append(y, 0.0)[np.minimum.accumulate(after[::-1])[::-1]]
