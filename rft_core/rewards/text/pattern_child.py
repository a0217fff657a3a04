"""The child's side of `pattern.py`: match, or say that it took too long."""

from __future__ import annotations

import re
from typing import Any

from rft_core.rewards.child_grading import OutOfTimeError, Verdict, grade_each, time_limit

OPTIONS: dict[str, Any] = {}  # filled when the child starts: pattern, flags, full, seconds


def grade(completions: list[str], log_extra: Any, **columns: list[Any]) -> list[float | None]:
    return grade_each(_match, completions, None, log_extra)


def _match(completion: str, value: None) -> Verdict:
    pattern = re.compile(OPTIONS["pattern"], OPTIONS["flags"])  # compiled once: `re` keeps it
    try:
        with time_limit(OPTIONS["seconds"]):
            find = pattern.fullmatch if OPTIONS["full"] else pattern.search
            is_found = find(completion) is not None
    except OutOfTimeError:
        reason = f"The pattern took longer than {OPTIONS['seconds']} s on this completion."
        return None, reason, "slow_pattern"
    return (1.0, "It matches.", "") if is_found else (0.0, "The pattern does not match.", "")
