"""Match a completion against a regular expression of the user's, within a time limit.

Python's `re` cannot be interrupted and a careless pattern can run for years on 50 kB of text; the
`regex` package understands the same patterns and takes a timeout.
"""

from __future__ import annotations

from functools import lru_cache

import regex  # type: ignore[import-untyped]

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Grade, Row

TIMEOUT_SECONDS = 0.25
LONGEST_PATTERN = 2000


def grade_regex(
    completion: str, row: Row, *, pattern: str = "", full: bool = False, ignore_case: bool = False
) -> Grade:
    """1 if the pattern is found (or, with `full`, matches the whole completion), else 0."""
    compiled = compile_pattern(pattern, ignore_case)
    match = compiled.fullmatch if full else compiled.search
    try:
        found = match(completion, timeout=TIMEOUT_SECONDS)
    except TimeoutError:
        reason = f"The pattern took longer than {TIMEOUT_SECONDS} s on this completion."
        return Grade(None, reason, ("slow_pattern",))
    if not found:
        return Grade(0.0, "The pattern does not match.")
    return Grade(1.0, "The pattern matches.")


@lru_cache(maxsize=64)
def compile_pattern(pattern: str, ignore_case: bool = False) -> regex.Pattern[str]:
    """The compiled pattern; `BadInputError` where it is none."""
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise BadInputError(
            "The regular expression cannot be used",
            f"it has {len(pattern):,} characters; 1 to {LONGEST_PATTERN:,} are allowed",
        )
    flags = regex.DOTALL | (regex.IGNORECASE if ignore_case else 0)
    try:
        return regex.compile(pattern, flags)
    except (regex.error, OverflowError, RecursionError, MemoryError) as error:
        raise BadInputError(
            "The regular expression is not valid", str(error), "Mend the pattern"
        ) from error
