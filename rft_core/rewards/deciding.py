"""Which reward functions say that a completion is right, and whether it is.

One rule for all who count right answers: the set says it (`RewardSet.truth`), and where it does
not, `guess_truth` knows the convention.
"""

from __future__ import annotations

from dataclasses import replace

from rft_core.rewards.contract import LEARNED_GRADER, RewardEntry, RewardSet, Scored, guess_truth

FULL = 1.0


def find_deciding(reward_set: RewardSet) -> list[RewardEntry]:
    """In the set's order. Empty only where the set does not say and nothing has a weight."""
    names = reward_set.truth or guess_truth(reward_set.entries)
    return [entry for entry in reward_set.entries if entry.name in names]


def find_paid_deciding(reward_set: RewardSet) -> list[RewardEntry]:
    """The same among what has a weight: what training can bring about."""
    paid = tuple(entry for entry in reward_set.entries if entry.weight > 0)
    truth = tuple(entry.name for entry in paid if entry.name in reward_set.truth)
    return find_deciding(replace(reward_set, entries=paid, truth=truth))


def without_taste(reward_set: RewardSet) -> RewardSet:
    """The same without reward models on which no verdict depends: each batch they judge is slow."""
    needed = {entry.name for entry in find_deciding(reward_set)}
    needed |= {entry.only_if for entry in reward_set.entries}
    entries = tuple(
        entry
        for entry in reward_set.entries
        if entry.grader != LEARNED_GRADER or entry.name in needed
    )
    return replace(reward_set, entries=entries)


def is_right(reward_set: RewardSet, scored: Scored) -> bool | None:
    """Does it have the full score in everything that decides? None: it could not be judged."""
    scores = [scored.scores[entry.name] for entry in find_deciding(reward_set)]
    if any(score is None for score in scores):
        return None
    return all(score is not None and score >= FULL for score in scores)
