"""Match completions against a regular expression of the user's, in the jail, within a time limit.

A careless pattern can run for years on 50 kB of text and take all memory on the way.
"""

from __future__ import annotations

import re
from typing import Any

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.jailed.grading import (
    GradeTuple,
    Options,
    OutOfTimeError,
    grade_each,
    time_limit,
)

LONGEST_PATTERN = 2000
SECONDS = 0.25  # for one completion


def check_pattern(entry: RewardEntry) -> None:
    """Raise `BadInputError` where the pattern is none."""
    pattern = entry.options.get("pattern", "")
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise BadInputError(
            "The regular expression cannot be used",
            f"it has {len(pattern):,} characters; 1 to {LONGEST_PATTERN:,} are allowed",
            "Write a shorter one, or a reward in Python" if pattern else "Write one",
        )
    try:
        _compile(entry.options)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadInputError(
            "The regular expression is not valid", str(error), "Mend the pattern"
        ) from error


def grade_batch(batch: str, options: Options) -> list[GradeTuple]:
    """From within the jail."""
    return grade_each(grade_one, batch, options)


def grade_one(completion: str, value: Any, options: Options) -> GradeTuple:
    """1 if the pattern matches, else 0; None if that takes too long."""
    pattern = _compile(options)  # compiled once: `re` keeps it
    try:
        with time_limit(SECONDS):
            find = pattern.fullmatch if options.get("full") else pattern.search
            is_found = find(completion) is not None
    except OutOfTimeError:
        reason = f"The pattern took longer than {SECONDS} s on this completion."
        return None, reason, "slow_pattern"
    return (1.0, "It matches.", "") if is_found else (0.0, "The pattern does not match.", "")


def _compile(options: Options) -> re.Pattern[str]:
    flags = re.DOTALL | (re.IGNORECASE if options.get("ignore_case") else 0)
    return re.compile(options["pattern"], flags)
