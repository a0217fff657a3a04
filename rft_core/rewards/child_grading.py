"""What graders in the child share: one verdict for each completion, and a limit to its time.

The timer interrupts Python's own loops, `re` among them, in the main thread. Behind it stands the
deadline of the child itself.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Verdict = tuple[float | None, str, str]  # score, reason, flag


class OutOfTimeError(BaseException):
    """Not an Exception, so that no library can mistake it for its own trouble."""


def grade_each(
    grade_one: Callable[[str, Any], Verdict],
    completions: Sequence[str],
    values: Sequence[Any] | None,
    log_extra: Callable[[str, list[Any]], None],
) -> list[float | None]:
    """`grade_one(completion, value)` for each; no `values`: the rows have no such column."""
    values = [None] * len(completions) if values is None else values
    verdicts = [grade_one(*pair) for pair in zip(completions, values, strict=True)]
    log_extra("reason", [reason for _, reason, _ in verdicts])
    log_extra("flag", [flag for _, _, flag in verdicts])
    return [score for score, _, _ in verdicts]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTimeError` in what runs inside, once the time is over."""
    signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(signum: int, frame: Any) -> None:
    raise OutOfTimeError
