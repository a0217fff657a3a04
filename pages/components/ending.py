"""The dashboard ends soon after it is asked to, whatever is still on its way to a browser.

The server waits for every connection: one whose browser has gone to sleep in the middle of a file
keeps it for ever. Nothing here needs that time. Runs are written by their workers, and what a page
has asked for is a row in a database, there or not.
"""

import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from types import FrameType
from typing import Any

GRACE_SECONDS = 1.0
ENDING = (signal.SIGTERM, signal.SIGINT)


@asynccontextmanager
async def end_soon(app: object) -> AsyncIterator[None]:
    """What the app lives in: from its first request on, its end is a matter of a second."""
    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            signal.signal(number, partial(_begin_to_end, signal.getsignal(number)))
    yield


def _begin_to_end(handler: Any, number: int, frame: FrameType | None) -> None:
    """Let the server close what it can, and end by the same signal when the grace is over.

    A timer of the kernel, not a thread: this runs between any two lines of the main thread, which
    may hold the lock that starting a thread needs.
    """
    signal.signal(signal.SIGALRM, partial(_end_at_once, number))
    signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)
    if callable(handler):
        handler(number, frame)


def _end_at_once(number: int, alarm: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
