"""What graders of ours share that work behind the jail's wall, over texts that could run away.

The timer interrupts Python's own loops, `re` among them, in the main thread. Behind it stands the
deadline of the jailed process itself.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

GradeTuple = tuple[float | None, str, str]  # score, reason, flag
Options = Mapping[str, Any]
GradeOne = Callable[[str, Any, Options], GradeTuple]


class OutOfTimeError(BaseException):
    """Not an Exception, so that no library can mistake it for its own trouble."""


def grade_each(grade_one: GradeOne, batch: str, options: Options) -> list[GradeTuple]:
    """`grade_one(completion, value, options)` for each of the batch, a JSON list of pairs."""
    return [grade_one(completion, value, options) for completion, value in json.loads(batch)]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTimeError` in what runs inside, once it has computed for that long.

    In processor time: on a busy machine a right answer is no slower, and no less right.
    """
    signal.signal(signal.SIGPROF, _interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _interrupt(signum: int, frame: Any) -> None:
    raise OutOfTimeError
