"""The reward of a run in few points, for a list: read by seeks, however long the run is."""

from __future__ import annotations

import math

from rft_core.store.sqlite.without_pandas import Database

POINTS = 40
A_POINT = 5  # measurements that are averaged into one point of a long run

# What stands for a run where it earns nothing itself, in this order.
_SOURCES = (("train", "reward"), ("validation", "reward"), ("train", "loss"))


def read_reward_curve(db: Database, points: int = POINTS) -> tuple[float, ...]:
    """Means over even stretches, oldest first: of training rewards, else of those of validation,
    else of the loss. Empty before anything was measured.
    """
    for split, name in _SOURCES:
        if found := _read(db, split, name, points):
            return found
    return ()


def _read(db: Database, split: str, name: str, points: int) -> tuple[float, ...]:
    sql = "SELECT min(step), max(step) FROM metrics WHERE split = ?"
    first, last = db.execute(sql, [split]).fetchone()
    if first is None:
        return ()
    stretch = max(1, math.ceil((last - first + 1) / points))
    found = []
    for start in range(first, last + 1, stretch):
        at = [split, start, start + min(stretch, A_POINT), name]
        rows = db.execute(
            "SELECT value FROM metrics WHERE split = ? AND step >= ? AND step < ? AND name = ?", at
        ).fetchall()
        known = [value for (value,) in rows if math.isfinite(value)]
        if known:
            found.append(sum(known) / len(known))
    return tuple(found)
