"""Match completions against a regular expression of the user's, in the child, within a time limit.

A careless pattern can run for years on 50 kB of text and take all memory on the way, so it runs
where user code runs. There a timer interrupts each match (Python's `re` heeds signals in the main
thread), and the child's own deadline stands behind it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from rft_core.errors import BadInputError
from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry

LONGEST_PATTERN = 2000
TIMEOUT_SECONDS = 0.25  # for one completion

_SOURCE = """
import re
import signal


def _interrupt(signum, frame):
    raise TimeoutError


def _match(text):
    signal.setitimer(signal.ITIMER_REAL, TIMEOUT_SECONDS)
    try:
        found = PATTERN.fullmatch(text) if FULL else PATTERN.search(text)
        return (1.0, "It matches.", "") if found else (0.0, "The pattern does not match.", "")
    except TimeoutError:
        reason = f"The pattern took longer than {TIMEOUT_SECONDS} s on this completion."
        return None, reason, "slow_pattern"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def grade(completions, log_extra):
    signal.signal(signal.SIGALRM, _interrupt)
    scores, reasons, flags = zip(*map(_match, completions))
    log_extra("reason", reasons)
    log_extra("flag", flags)
    return scores
"""


def make_regex_entry(entry: RewardEntry) -> RewardEntry:
    """The Python entry that grades by the pattern: 1 if it matches, else 0; None if out of time.

    Raises `BadInputError` where the pattern is none.
    """
    pattern = entry.options.get("pattern", "")
    flags = re.DOTALL | (re.IGNORECASE if entry.options.get("ignore_case") else 0)
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
    constants = (
        f"TIMEOUT_SECONDS = {TIMEOUT_SECONDS}\n"
        f"FULL = {bool(entry.options.get('full'))}\n"
        f"PATTERN = re.compile({pattern!r}, {int(flags)})\n"
    )
    return replace(
        entry, grader=PYTHON_GRADER, options={"function": "grade"}, source=_SOURCE + constants
    )
