"""Asking a worker to stop: SIGTERM or Ctrl-C.

While the model loads there is nothing to save, so the request interrupts at once. In training it
is only noted; the step in progress is finished, recorded and saved first.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequestedError(BaseException):
    """Raised out of whatever is being done, with the reason if there is one to tell.

    Not an Exception: libraries must not swallow it.
    """


class StopRequest:
    """Whether a stop was asked for. `handle_signals` connects it to the process's signals."""

    def __init__(self) -> None:
        self.is_set = False
        self._interrupts = True
        self._reason = ""
        self._is_over = False

    def abandon(self, reason: str) -> None:
        """From any thread: interrupt whatever is being done, now, without a checkpoint."""
        self._reason = reason
        os.kill(os.getpid(), signal.SIGTERM)

    def set(self) -> None:
        self.is_set = True
        if self._interrupts:
            self._interrupts = False  # asking twice must not disturb the last words
            raise StopRequestedError

    def defer(self) -> None:
        """From now on a request is noted and interrupts nothing: the training loop looks at it."""
        self._interrupts = False

    def ignore(self) -> None:
        """From now on nothing is interrupted, not even to abandon it: the last words are said."""
        self._interrupts, self._is_over = False, True

    @contextmanager
    def handle_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        reason, self._reason = self._reason, ""
        if reason and not self._is_over:
            raise StopRequestedError(reason)
        self.set()
