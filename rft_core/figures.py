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
    added = {
        (str(split), str(name)): _curve(rows)
        for (split, name), rows in frame.groupby(["split", "name"], sort=False)
    }
    return _extend(curves, added, int(frame["id"].max()))


def add_stored_curves(
    curves: Curves,
    stored: Mapping[tuple[str, str], tuple[Array, Array, Array, Array]],
    last_id: int,
) -> Curves:
    """The curves with whole arrays added: steps, seconds, tokens and values by (split, name).

    `last_id`: of the newest row in them. Arrays that several share are shared in the curves, too.
    """
    minutes = {id(seconds): seconds / 60 for _, seconds, _, _ in stored.values()}
    added = {
        key: Curve(step, minutes[id(seconds)], tokens, value)
        for key, (step, seconds, tokens, value) in stored.items()
    }
    return _extend(curves, added, last_id)


def _extend(curves: Curves, added: Mapping[tuple[str, str], Curve], last_id: int) -> Curves:
    by_key = dict(curves.by_key)
    known: _Axes = {}
    for key, curve in added.items():
        by_key[key] = _join(by_key.get(key), curve, known)
    return Curves(curves.attempts, max(curves.last_id, last_id), by_key)


def _curve(rows: pd.DataFrame) -> Curve:
    return Curve(
        step=rows["step"].to_numpy(dtype=np.int64),
        minutes=rows["elapsed"].to_numpy(dtype=np.float64) / 60,
        tokens=rows["tokens"].to_numpy(dtype=np.int64),
        value=rows["value"].to_numpy(dtype=np.float64),
    )


_Axes = dict[tuple[int, bytes], tuple[Array, Array, Array]]


def _join(old: Curve | None, new: Curve, known: _Axes) -> Curve:
    """Old then new; a step measured again keeps its newest value.

    Most curves are measured at the same steps: what these are joined to is made once, and `known`.
    """
    if old is None:
        step, minutes, tokens = known.setdefault(
            (0, new.step.tobytes()), (new.step, new.minutes, new.tokens)
        )
        return _keep_newest(Curve(step, minutes, tokens, new.value))
    if not _ascends(new.step) or (len(old.step) and old.step[-1] >= new.step[0]):
        return _keep_newest(Curve(*_join_axes(old, new), np.concatenate([old.value, new.value])))
    place = (id(old.step), new.step.tobytes())
    if place not in known:
        known[place] = _join_axes(old, new)
    return Curve(*known[place], np.concatenate([old.value, new.value]))


def _join_axes(old: Curve, new: Curve) -> tuple[Array, Array, Array]:
    step, minutes, tokens = (
        np.concatenate([getattr(old, name), getattr(new, name)])
        for name in ("step", "minutes", "tokens")
    )
    return step, minutes, tokens


def _ascends(step: Array) -> bool:
    return len(step) < 2 or bool(np.all(np.diff(step) > 0))


def _keep_newest(curve: Curve) -> Curve:
    if _ascends(curve.step):
        return curve
    # np.unique keeps the first of equals: look from the end to keep the newest.
    _, from_end = np.unique(curve.step[::-1], return_index=True)
    kept = len(curve.step) - 1 - from_end
    return Curve(curve.step[kept], curve.minutes[kept], curve.tokens[kept], curve.value[kept])
