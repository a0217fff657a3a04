"""How often which reward was earned, in windows of a run's steps.

A long run has a million completions, and a chart some dozens of columns: of each window only a few
steps are counted, each of them whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rft_core.store.sqlite.without_pandas import Database

MOST_WINDOWS = 40
STEPS_COUNTED = 4  # of a window, evenly spread


@dataclass(frozen=True)
class StepWindow:
    """Consecutive steps. `rewards`: how often each was earned in the steps that were counted; None:
    by completions that nothing could judge.
    """

    first: int
    last: int
    steps_counted: int
    rewards: Counter[float | None]


def count_rewards(db: Database, *, split: str = "train") -> list[StepWindow]:
    """In the order of steps, without those in which nothing was sampled; while steps are few, a
    window holds one."""
    steps = [step for (step,) in db.execute(_STEPS[split])]
    size = max(1, -(-len(steps) // MOST_WINDOWS))
    windows = [steps[at : at + size] for at in range(0, len(steps), size)]
    counted = (_count(db, split, window) for window in windows)
    return [window for window in counted if window.rewards]


# Those that have completions. Each costs one look into an index.
_STEPS = {
    "train": "SELECT step FROM steps ORDER BY step",
    "validation": "SELECT step FROM metrics WHERE split = 'validation' AND name = 'reward' "
    "ORDER BY step",
}


def _count(db: Database, split: str, steps: Sequence[int]) -> StepWindow:
    chosen = spread(steps, STEPS_COUNTED)
    marks = ", ".join("?" * len(chosen))
    sql = (
        "SELECT reward, count(*) FROM generations "
        f"WHERE split = ? AND step IN ({marks}) GROUP BY reward"
    )
    found = Counter(dict(db.execute(sql, [split, *chosen]).fetchall()))
    return StepWindow(steps[0], steps[-1], len(chosen), found)


def spread(values: Sequence[int], most: int) -> list[int]:
    """At most so many of them, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(at * (len(values) - 1) / (most - 1))] for at in range(most)]
