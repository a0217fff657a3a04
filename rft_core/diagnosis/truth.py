"""Which truth a run has beside its reward: what judges its completions without paying for them.

In this order: a reward function of weight 0 (only logged), the held-out validation rows as judged
by what decides, the flags of what was recognised as a trick. Nothing else can tell a policy that
learns from one that cheats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rft_core.rewards.contract import ABOUT_FORM, LEARNED_GRADER, RewardEntry, RewardSet
from rft_core.rewards.deciding import find_deciding

Source = Literal["unpaid", "validation", "flags"]
FLAGS = "flags"

ADD_ONE = (
    "Add a reward function of weight 0 that judges what you really want (it is only logged), on "
    "the Rewards page"
)


@dataclass(frozen=True)
class Truth:
    """`name`: a reward function, or `FLAGS`. `is_declared`: the reward set says that it decides."""

    source: Source
    name: str
    is_declared: bool = True


def choose_truth(rewards: RewardSet, *, has_validation: bool, was_flagged: bool) -> Truth | None:
    """None where nothing is independent of the reward.

    `has_validation`: whether there are held-out rows that were judged. `was_flagged`: whether any
    completion was; where none was, that proves nothing.
    """
    deciding = [entry for entry in find_deciding(rewards) if entry.grader != LEARNED_GRADER]
    unpaid = [entry for entry in deciding if entry.weight == 0]
    if unpaid:
        return Truth("unpaid", unpaid[0].name)
    logged = [entry for entry in rewards.entries if entry.weight == 0 and _judges_more(entry)]
    if logged:
        return Truth("unpaid", logged[0].name, is_declared=False)
    if deciding and has_validation:
        return Truth("validation", deciding[0].name)
    return Truth("flags", FLAGS) if was_flagged else None


def _judges_more(entry: RewardEntry) -> bool:
    """Than form: a length that is only logged is no truth."""
    is_form = entry.name in ABOUT_FORM or entry.grader.endswith(ABOUT_FORM)
    return not is_form and entry.grader != LEARNED_GRADER
