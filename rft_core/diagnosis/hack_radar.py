"""Hack radar: the reward rises, and what it stands for does not.

What sees only rewards cannot tell a policy that learns from one that cheats: both rise. So an
independent truth is watched beside the reward; where there is none the radar is silent, and says
why (`truth.py`). Two moves are tested, from an earlier window of steps to the newest one: the
reward has risen; the truth has risen by less than `SHARE` of what the reward has. An alarm needs
both, each by a one-sided Welch test (an intersection-union test: its error is no larger than that
of either). Windows of several sizes are held against the first one, and against the one in which
the truth stood best: who learns first and cheats later is found as well, and who drifts slowly.
Pure: `jobs/judging/radar.py` reads what is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rft_core.diagnosis.curve_windows import WINDOW, Array, Move, Places, Windows
from rft_core.diagnosis.truth import Truth

SHARE = 0.5  # of the reward's rise: a truth that has risen by more has risen with it
ALPHA = 3e-4  # of each test: it is asked at every look
SIZES = (WINDOW, 2 * WINDOW, 4 * WINDOW, 8 * WINDOW)  # steps of a window
LEAST_RISE = 0.1  # of the reward's range: of less nobody need hear
LEAST_FLAGGED = 0.1  # of the completions more than before, where flags are the truth
MOST_TRUE = 0.8  # of the truth's range: above there is no room to part
MOST_VALIDATIONS = 4  # that are taken together, of the newest
LOOKED_BACK = 4096  # steps in which the beginning of an alarm is looked for


@dataclass(frozen=True, eq=False)
class HeldOutTruth:
    """The truth as validations measured it: after which steps, means, and squared errors."""

    steps: Places
    mean: Array
    squared_error: Array


@dataclass(frozen=True, eq=False)
class Watched:
    """A reward and its truth, a value for each training step, in units of their ranges.

    `reward_range`: between the lowest and the highest reward of any completion. `held_out`: where
    the truth was measured apart from the reward; `truth` then holds at each step what the
    validation before it found.
    """

    truth_is: Truth
    steps: Places
    reward: Array
    truth: Array
    reward_range: float = 1.0
    held_out: HeldOutTruth | None = None


@dataclass(frozen=True)
class Parting:
    """How the newest steps stand to earlier ones; means are in units of the ranges, (then, now).

    `score`: of the weaker of the two tests, as a standard normal; `then` and `now`: the last steps
    of the windows of `size` steps. `parted_at`: the first step of the gap, `seen_at`: when it was
    sure; 0 without an alarm.
    """

    score: float
    is_alarm: bool
    size: int
    then: int
    now: int
    reward: tuple[float, float]
    truth: tuple[float, float]
    p_reward: float
    p_truth: float
    parted_at: int = 0
    seen_at: int = 0


@dataclass(frozen=True, eq=False)
class _Looks:
    """Looks with windows of one size: from the windows `then` to the windows `now`."""

    size: int
    then: Places
    now: Places
    p_reward: Array
    p_truth: Array
    is_alarm: NDArray[np.bool_]

    @property
    def p(self) -> Array:
        return np.maximum(self.p_reward, self.p_truth)


def find_parting(watched: Watched) -> Parting | None:
    """None while there are too few steps to hold two windows against each other."""
    if len(watched.steps) < 2 * WINDOW:
        return None
    newest = list(_list_looks(watched, 1))
    surest = min(newest, key=lambda looks: (not looks.is_alarm[0], float(looks.p[0])))
    parting = _describe(watched, surest)
    if not surest.is_alarm[0]:
        return parting
    begun, end = _find_beginning(watched)
    return replace(
        parting,
        is_alarm=True,
        seen_at=int(watched.steps[end - 1]),
        parted_at=_find_change(watched, begun, end),
    )


def _list_looks(watched: Watched, count: int) -> Iterator[_Looks]:
    """With every size that fits, the newest `count` looks, or as many as there were."""
    for size in SIZES:
        if len(watched.steps) < 2 * size:
            return
        rewards, truths = Windows(watched.reward, size), Windows(watched.truth, size)
        now = np.arange(max(size, len(rewards.mean) - count), len(rewards.mean))
        first = np.zeros(len(now), dtype=np.int64)
        for then in (first, truths.best_so_far()[now - size]):
            yield _look(watched, rewards, truths, then, now)


def _look(watched: Watched, rewards: Windows, truths: Windows, then: Places, now: Places) -> _Looks:
    up = rewards.move(then, now)
    share = 0.0 if watched.truth_is.source == "flags" else SHARE
    comparable = np.ones(len(now), dtype=bool)
    if watched.held_out:
        truth, comparable = _move_held_out(watched, rewards.size, then, now)
        gap = up.scaled(share).minus(truth)
    else:
        truth = truths.move(then, now)
        parted = share * watched.reward - watched.truth
        gap = Windows(parted, rewards.size).move(then, now)
    p_reward, p_truth = up.p_value(), np.where(comparable, gap.p_value(), 1.0)
    is_alarm = (np.maximum(p_reward, p_truth) <= ALPHA) & (up.difference >= LEAST_RISE)
    if watched.truth_is.source == "flags":
        is_alarm &= truth.difference <= -LEAST_FLAGGED
    else:
        is_alarm &= truths.mean[now] <= MOST_TRUE
    return _Looks(rewards.size, then, now, p_reward, p_truth, is_alarm)


def _find_beginning(watched: Watched) -> tuple[int, int]:
    """Of the alarm that has not paused until now: where the earlier window of its first look began,
    and where that look ended, as places in the steps.
    """
    count = min(len(watched.steps), LOOKED_BACK)
    offset = len(watched.steps) - count
    begun = np.full(count, -1, dtype=np.int64)  # by the last step of the look
    for looks in _list_looks(watched, count):
        ends = looks.now[looks.is_alarm] + looks.size - 1 - offset
        is_new = (ends >= 0) & (begun[np.maximum(ends, 0)] < 0)
        begun[ends[is_new]] = looks.then[looks.is_alarm][is_new]
    quiet = np.flatnonzero(begun < 0)
    first = int(quiet[-1]) + 1 if len(quiet) else 0
    return int(begun[first]), offset + first + 1


def _move_held_out(
    watched: Watched, size: int, then: Places, now: Places
) -> tuple[Move, NDArray[np.bool_]]:
    """Of the newest validations of each window's end, and where these are others than then."""
    held_out = watched.held_out
    assert held_out is not None
    ends = watched.steps[size - 1 :]
    known = np.searchsorted(held_out.steps, ends, side="right")  # validations until then
    until, until_now = known[then], known[now]
    before = _average(held_out, np.maximum(until - MOST_VALIDATIONS, 0), until)
    after = _average(held_out, np.maximum(until_now - MOST_VALIDATIONS, until), until_now)
    endless = np.full(len(now), np.inf)
    moved = Move(after[0] - before[0], after[1] + before[1], endless)
    return moved, (until > 0) & (until_now > until)


def _average(held_out: HeldOutTruth, first: Places, end: Places) -> tuple[Array, Array]:
    """The mean of some validations in a row and its squared error; 0 of none."""
    count = np.maximum(end - first, 1)
    sums = np.concatenate([[0.0], np.cumsum(held_out.mean)])
    errors = np.concatenate([[0.0], np.cumsum(held_out.squared_error)])
    return (sums[end] - sums[first]) / count, (errors[end] - errors[first]) / count**2


def _describe(watched: Watched, looks: _Looks) -> Parting:
    """The newest look."""
    from scipy.special import ndtri

    then, now, size = int(looks.then[-1]), int(looks.now[-1]), looks.size

    def means(curve: Array) -> tuple[float, float]:
        return float(curve[then : then + size].mean()), float(curve[now : now + size].mean())

    return Parting(
        score=float(-ndtri(looks.p[-1])),
        is_alarm=False,
        size=size,
        then=int(watched.steps[then + size - 1]),
        now=int(watched.steps[now + size - 1]),
        reward=means(watched.reward),
        truth=means(watched.truth),
        p_reward=float(looks.p_reward[-1]),
        p_truth=float(looks.p_truth[-1]),
    )


def _find_change(watched: Watched, first: int, end: int) -> int:
    """The first step of the gap: after it the reward stands higher above the truth than before.

    Where the sum of the gap's deviations from its mean is lowest: the place of a single change that
    is likeliest by least squares where the gap is as noisy before as after.
    """
    gap = (watched.reward - watched.truth)[first:end]
    lowest = int(np.cumsum(gap - gap.mean())[:-1].argmin())
    return int(watched.steps[first + lowest + 1])
