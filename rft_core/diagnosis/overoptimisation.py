"""Overoptimisation: a learned reward goes on rising while what it stands for falls.

A reward model has mistakes, and a policy that is paid by it finds them. The sign is a reward model
whose score rises while a rule that it never saw falls (Gao et al., arXiv 2210.10760, show the same
against a larger reward model). Both must be beyond the noise of their curves: a rule that judges
without being paid for is the independent truth without which nothing is said here. It is the
radar's question (`hack_radar.py`), asked more strictly: a truth that only stands still warns a
person, one that falls ends the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rft_core.diagnosis.curve_windows import WINDOW, compare

SURE = 4.0  # standard errors of that difference; the best of many windows is a little lucky
LEAST_LOST = 0.1  # of the rule's best


@dataclass(frozen=True)
class Overoptimisation:
    """`best_at`: index of the last step of the window in which the rule was at its best."""

    best_at: int
    learned: tuple[float, float]  # then and now
    rule: tuple[float, float]


def find_overoptimisation(
    learned: Sequence[float], rule: Sequence[float]
) -> Overoptimisation | None:
    """Compare the newest window with the one before it in which the rule stood best.

    `learned`: the reward model's mean score at each step since it drives, `rule`: the rule's.
    """
    if len(rule) < 2 * WINDOW or len(learned) != len(rule):
        return None
    ends = range(WINDOW, len(rule) - WINDOW + 1)
    best = max(ends, key=lambda end: fmean(rule[end - WINDOW : end]))
    rule_then, rule_now = rule[best - WINDOW : best], rule[-WINDOW:]
    learned_then, learned_now = learned[best - WINDOW : best], learned[-WINDOW:]
    lost = fmean(rule_then) - fmean(rule_now)
    if lost < LEAST_LOST * abs(fmean(rule_then)):
        return None
    has_fallen = compare(rule_now, rule_then).is_rise(SURE)
    if not (has_fallen and compare(learned_then, learned_now).is_rise(SURE)):
        return None
    return Overoptimisation(
        best - 1,
        (fmean(learned_then), fmean(learned_now)),
        (fmean(rule_then), fmean(rule_now)),
    )
