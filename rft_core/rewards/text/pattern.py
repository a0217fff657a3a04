"""Match completions against a regular expression of the user's, in the child, within a time limit.

A careless pattern can run for years on 50 kB of text and take all memory on the way, so it runs
where user code runs.
"""

from __future__ import annotations

import re

from rft_core.errors import BadInputError
from rft_core.rewards.child_source import make_child_entry
from rft_core.rewards.contract import RewardEntry

MODULES = ("child_grading", "text.pattern_child")
LONGEST_PATTERN = 2000
SECONDS = 0.25  # for one completion


def make_regex_entry(entry: RewardEntry) -> RewardEntry:
    """The Python entry that grades by the pattern: 1 if it matches, else 0; None if out of time.

    Raises `BadInputError` where the pattern is none.
    """
    pattern = entry.options.get("pattern", "")
    flags = int(re.DOTALL | (re.IGNORECASE if entry.options.get("ignore_case") else 0))
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise BadInputError(
            "The regular expression cannot be used",
            f"it has {len(pattern):,} characters; 1 to {LONGEST_PATTERN:,} are allowed",
        )
    try:
        re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadInputError(
            "The regular expression is not valid", str(error), "Mend the pattern"
        ) from error
    full = bool(entry.options.get("full"))
    options = {"pattern": pattern, "flags": flags, "full": full, "seconds": SECONDS}
    return make_child_entry(entry, MODULES, options)
