"""Partial credit: a reward set in which parts of the way to a right answer are paid for.

Only what a grader can tell: functions in Python are for their author to split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.deciding import find_deciding
from rft_core.rewards.registry import GRADERS

PARTIAL = "partial"  # the option of graders that can pay for parts
SMALL = 0.1  # weight of a part of the way: a right answer must stay worth far more
ANSWER_BLOCK = r"(?is)<answer>\s*\S.*?</answer>"
OTHER_FORMS = ("auto", "boxed", "hash_mark")
FINAL_LINE = r"(?is)(\\boxed\{|####)\s*\S"


@dataclass(frozen=True)
class PartialCredit:
    """`what`: a sentence that says what is paid for in addition."""

    rewards: RewardSet
    what: str


def add_partial_credit(rewards: RewardSet) -> PartialCredit | None:
    """None where no grader of the set knows parts. What counts as right stays the same."""
    can_split = [
        entry for entry in rewards.entries if _knows_parts(entry) and not entry.options.get(PARTIAL)
    ]
    if can_split:
        entries = [_split(entry) if entry in can_split else entry for entry in rewards.entries]
        names = ", ".join(entry.name for entry in can_split)
        return _keep_truth(rewards, entries, f"{names}: pay for every part that is right.")
    if any(_wants_answer_block(entry) for entry in rewards.entries):
        return _add(rewards, "answer_block", ANSWER_BLOCK, "an <answer> block, whatever it holds")
    if any(_find_form(entry) in OTHER_FORMS for entry in rewards.entries):
        return _add(rewards, "final_answer", FINAL_LINE, "a \\boxed{} or #### answer, right or not")
    for entry in rewards.entries:
        if entry.grader == "exact_match":
            options = {name: entry.options[name] for name in ("column",) if name in entry.options}
            alike = RewardEntry("alike", "similarity", SMALL, options)
            return _append(rewards, alike, "likeness to the right answer")
    return None


def _split(entry: RewardEntry) -> RewardEntry:
    return replace(entry, options={**entry.options, PARTIAL: True})


def _add(rewards: RewardSet, name: str, pattern: str, what: str) -> PartialCredit | None:
    return _append(rewards, RewardEntry(name, "regex", SMALL, {"pattern": pattern}), what)


def _append(rewards: RewardSet, part: RewardEntry, what: str) -> PartialCredit | None:
    """None where it is there already, and has not helped."""
    if part.name in rewards.names:
        return None
    return _keep_truth(rewards, [*rewards.entries, part], f"Up to {SMALL} for {what}.")


def _keep_truth(rewards: RewardSet, entries: Sequence[RewardEntry], what: str) -> PartialCredit:
    truth = tuple(entry.name for entry in find_deciding(rewards))
    return PartialCredit(RewardSet(tuple(entries), rewards.name, truth), what)


def _knows_parts(entry: RewardEntry) -> bool:
    """A switch; where it is a number it pays for any answer, however wrong."""
    options = GRADERS[entry.grader].options if entry.grader in GRADERS else ()
    return any(option.name == PARTIAL and option.type == "bool" for option in options)


def _has_option(entry: RewardEntry, name: str) -> bool:
    return entry.grader in GRADERS and any(o.name == name for o in GRADERS[entry.grader].options)


def _wants_answer_block(entry: RewardEntry) -> bool:
    """Whether only what stands in <answer>…</answer> can earn something."""
    return entry.grader in ("format", "equation") or _find_form(entry) == "answer_tag"


def _find_form(entry: RewardEntry) -> str:
    """How it takes the answer out of a completion; "" where it has no choice."""
    if not _has_option(entry, "extraction"):
        return ""
    return str(GRADERS[entry.grader].with_defaults(entry)["extraction"])
