"""The moving average that is drawn over a curve, of all its points: thinned ones would bend it."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FORGOTTEN = 1e-9  # a weight that changes no pixel


def smooth(y: NDArray[np.floating], weight: float, start: int = 0) -> NDArray[np.float64]:
    """The exponential moving average from point `start` on; NaN where `y` is.

    `weight` (0 to below 1) is that of the past. Corrected for its start as Adam corrects its
    moments, so the first value is the first point and not a pull towards zero. A point also stands
    for the unmeasured ones before it. Looks only as far back as `weight` remembers.
    """
    reach = math.ceil(math.log(FORGOTTEN) / math.log(weight)) if weight > 0 else 0
    first = max(0, start - reach)
    seen = pd.Series(np.asarray(y[first:], dtype=np.float64))
    seen = seen.where(np.isfinite(seen))
    mean = seen.bfill().ewm(alpha=1 - weight, adjust=True).mean()
    return mean.where(seen.notna()).to_numpy()[start - first :]
