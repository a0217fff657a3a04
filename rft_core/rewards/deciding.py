"""Which reward functions say that a completion is right, and whether it is.

One rule for all who count right answers: `correctness`, or Countdown's `equation`; where a set has
neither, all that is paid for and is more than a matter of form.
"""

from __future__ import annotations

from collections.abc import Sequence

from rft_core.rewards.contract import RewardEntry, RewardSet, Scored

CORRECTNESS_NAMES = ("correctness", "equation")
ABOUT_FORM = ("format", "compilation", "length", "repetition", "regex", "speed")
FULL = 1.0


def find_deciding(entries: Sequence[RewardEntry]) -> list[RewardEntry]:
    """Empty only where nothing has a weight. A set that pays for form alone is decided by form."""
    named = [e for name in CORRECTNESS_NAMES for e in entries if e.name == name]
    weighted = [entry for entry in entries if entry.weight > 0]
    others = [entry for entry in weighted if not _is_about_form(entry)]
    return named[:1] or others or weighted


def is_right(reward_set: RewardSet, scored: Scored) -> bool | None:
    """Does it have the full score in everything that decides? None: it could not be judged."""
    scores = [scored.scores[entry.name] for entry in find_deciding(reward_set.entries)]
    if any(score is None for score in scores):
        return None
    return all(score is not None and score >= FULL for score in scores)


def _is_about_form(entry: RewardEntry) -> bool:
    return any(entry.grader.endswith(word) or entry.name == word for word in ABOUT_FORM)
