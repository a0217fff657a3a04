"""Which points of a long curve are drawn: the extremes of as many stretches as there are pixels.

A stretch of a curve that is narrower than a pixel is a vertical line from its lowest to its highest
point, so nothing that could be seen is lost, and no spike ever is (the M4 aggregation of Jugel et
al., 2014, less the ends of each stretch).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def thin(y: Array, most: int) -> Array:
    """Ascending positions of at most `most` (4 or more) points: the ends, and extremes between.

    Points that are not finite only count where a whole stretch has no other: there is a gap.
    """
    count = len(y)
    if count <= most:
        return np.arange(count)
    stretches = (most - 2) // 2
    width = -(-count // stretches)
    padded = np.full(stretches * width, np.nan)
    padded[:count] = y
    rows = padded.reshape(stretches, width)
    measured = np.isfinite(rows)
    lowest = np.where(measured, rows, np.inf).argmin(axis=1)
    highest = np.where(measured, rows, -np.inf).argmax(axis=1)
    first = np.arange(stretches) * width
    kept = np.unique(np.concatenate([first + lowest, first + highest, [0, count - 1]]))
    return kept[kept < count]


def share_points(lengths: Sequence[int], total: int, most: int) -> list[int]:
    """How many points each curve may have: the short ones all theirs, the long ones the rest."""
    shares, left = [0] * len(lengths), total
    for done, i in enumerate(sorted(range(len(lengths)), key=lambda i: lengths[i])):
        shares[i] = min(lengths[i], most, max(4, left // (len(lengths) - done)))
        left -= shares[i]
    return shares
