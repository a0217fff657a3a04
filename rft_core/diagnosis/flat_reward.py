"""A flat reward, said as soon as it is sure: from the preflight, the first validation, step 1.

Where every completion earns the same there is nothing to compare, and no gradient. How sure one
can be is an exact binomial bound (`statistics.upper_bound`). It is one of the mean over what was
tried: of prompts that were not tried it says nothing. One completion that earns something else,
and this file is silent.
"""

from __future__ import annotations

import math

from rft_core.statistics import upper_bound
from rft_core.store.reward_range import RewardRange
from rft_core.types import Problem

FLAT = "flat"  # the kind of what is found here
CONFIDENCE = 0.97
MOST_WITH_GRADIENT = 0.5  # share of the groups; while more may have one, nothing is said


def find_flat_reward(seen: RewardRange, num_generations: int) -> Problem | None:
    """None unless all earned the same, and enough have been tried to say what that means.

    `num_generations`: the size of a group. A group has a gradient where two of it differ.
    """
    if not seen.scored or not seen.is_flat:
        return None
    bound = upper_bound(0, seen.scored, CONFIDENCE)
    without_gradient = (1 - bound) ** num_generations
    if without_gradient < 1 - MOST_WITH_GRADIENT:
        return None
    earned, fix = _describe(seen)
    return Problem(
        FLAT,
        "error",
        "",
        f"{earned.format(few=f'with {CONFIDENCE:.0%} confidence fewer than {_percent_up(bound)}')}"
        f". So at least {math.floor(100 * without_gradient)}% of the groups of "
        f"{num_generations} have nothing to compare, and no gradient.",
        fix,
    )


def _describe(seen: RewardRange) -> tuple[str, str]:
    """What was earned, with a place for how few earn otherwise; and what to do."""
    if seen.highest <= 0:
        return (
            f"0 of {seen.scored:,} completions earned anything: {{few}} would",
            "Make a first success possible, in one of these ways.",
        )
    return (
        f"All {seen.scored:,} completions earned {seen.highest:g}: {{few}} would earn more or less",
        "Choose harder prompts, or a reward with more than one level.",
    )


def _percent_up(share: float) -> str:
    """Rounded up, since it is an upper bound: 3.4%, and from ten on whole ones."""
    percent = 100 * share
    return f"{math.ceil(percent)}%" if percent >= 10 else f"{math.ceil(10 * percent) / 10:g}%"
