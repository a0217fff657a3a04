"""The curves of a run as arrays, grown by the rows that are new. Draws nothing, reads nothing.

A page keeps `Curves` between two looks at a run and extends it with `metrics_frame(after_id=...)`,
so that a long run costs no more per look than a short one. When a resumed run forgets steps, its
number of attempts changes: start again from `Curves(attempts=...)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]
_FUNCTION_PREFIX, _FUNCTION_SUFFIX = "rewards/", "/mean"


@dataclass(frozen=True, eq=False)
class Curve:
    """One metric of one split: steps ascending, `minutes` and `tokens` since step 0, values."""

    step: Array
    minutes: Array
    tokens: Array
    value: Array

    def mean_of_last(self, count: int) -> float:
        """NaN when there are fewer than `count` points."""
        return float(self.value[-count:].mean()) if len(self.value) >= count else float("nan")

    def keep(self, wanted: Array) -> Curve:
        """The points that are wanted: a truth value for each."""
        return Curve(*(part[wanted] for part in (self.step, self.minutes, self.tokens, self.value)))


@dataclass(frozen=True, eq=False)
class Curves:
    """All curves of a run by (split, metric name). `last_id`: the newest row they contain."""

    attempts: int = 0
    last_id: int = 0
    by_key: Mapping[tuple[str, str], Curve] = field(default_factory=dict)

    def get(self, name: str, split: str = "train") -> Curve | None:
        return self.by_key.get((split, name))

    def longest_steps(self, split: str = "train") -> Array:
        """The steps of the metric that was measured most often: ascending, empty without any."""
        found = [curve.step for (of, _), curve in self.by_key.items() if of == split]
        return max(found, key=len, default=np.array([], dtype=np.int64))

    @property
    def functions(self) -> list[str]:
        """The reward functions that were measured, in the order in which they were recorded."""
        names = {
            name.removeprefix(_FUNCTION_PREFIX).removesuffix(_FUNCTION_SUFFIX): None
            for _, name in self.by_key
            if name.startswith(_FUNCTION_PREFIX) and name.endswith(_FUNCTION_SUFFIX)
        }
        return list(names)

    @property
    def last_step(self) -> int:
        """The newest training step that was recorded; 0 before the first."""
        curves = (self.get(name) for name in ("loss", "reward"))  # not every method samples
        return max((int(curve.step[-1]) for curve in curves if curve is not None), default=0)


def extend_curves(curves: Curves, frame: pd.DataFrame) -> Curves:
    """The curves with the rows of a `metrics_frame` added; the same object when it is empty."""
    if frame.empty:
        return curves
    by_key = dict(curves.by_key)
    for (split, name), rows in frame.groupby(["split", "name"], sort=False):
        key = (str(split), str(name))
        by_key[key] = _join(by_key.get(key), _curve(rows))
    return Curves(curves.attempts, max(curves.last_id, int(frame["id"].max())), by_key)


def _curve(rows: pd.DataFrame) -> Curve:
    return Curve(
        step=rows["step"].to_numpy(dtype=np.int64),
        minutes=rows["elapsed"].to_numpy(dtype=np.float64) / 60,
        tokens=rows["tokens"].to_numpy(dtype=np.int64),
        value=rows["value"].to_numpy(dtype=np.float64),
    )


def _join(old: Curve | None, new: Curve) -> Curve:
    """Old then new; a step measured again keeps its newest value."""
    if old is None:
        joined = new
    else:
        joined = Curve(
            *(
                np.concatenate([getattr(old, name), getattr(new, name)])
                for name in ("step", "minutes", "tokens", "value")
            )
        )
    if len(joined.step) < 2 or bool(np.all(np.diff(joined.step) > 0)):
        return joined
    # np.unique keeps the first of equals: look from the end to keep the newest.
    _, from_end = np.unique(joined.step[::-1], return_index=True)
    kept = len(joined.step) - 1 - from_end
    return Curve(joined.step[kept], joined.minutes[kept], joined.tokens[kept], joined.value[kept])
