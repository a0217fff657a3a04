"""The time that a jailed process is charged with: not that in which it waited for a processor.

On a busy machine a program would otherwise be late through the fault of its neighbours. What all
its threads compute counts, and so does sleeping; where the kernel does not say, all time does. The
process is found through a pidfd, since inside of its namespace its number is another one.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

NANO = 1e-9
SHORT = 0.05  # seconds
PID = re.compile(r"^Pid:\t(\d+)$", re.MULTILINE)


class Stopwatch:
    """Starts when it is made; `start` anew for each request."""

    def __init__(self) -> None:
        self._folder = ""
        self.start()

    def follow(self, pidfd: int) -> None:
        """From now on the process of that descriptor."""
        with suppress(OSError):
            if found := PID.search(Path(f"/proc/self/fdinfo/{pidfd}").read_text()):
                self._folder = f"/proc/{found[1]}"

    def start(self) -> None:
        self._begun, self._then = time.monotonic(), self._look()

    @property
    def elapsed(self) -> float:
        """Seconds by the clock on the wall, which no clock of a candidate's moves."""
        return time.monotonic() - self._begun

    def read(self) -> float:
        """The seconds charged so far."""
        elapsed = self.elapsed
        if elapsed < SHORT:
            return elapsed  # what it waited then is not worth asking for
        (computed, waited), (computed_then, waited_then) = self._look(), self._then
        worked = computed - computed_then + self._look_at_others()
        return min(elapsed, max(elapsed - max(waited - waited_then, 0.0), worked))

    def _look(self) -> tuple[float, float]:
        """Seconds that its first thread computed, and that it waited for a processor."""
        with suppress(OSError, ValueError, IndexError):
            computed, waited, *_ = _read(f"{self._folder}/schedstat").split()
            return int(computed) * NANO, int(waited) * NANO
        return 0.0, 0.0

    def _look_at_others(self) -> float:
        """Seconds that its other threads computed since they began."""
        first, total = self._folder.rpartition("/")[2], 0
        with suppress(OSError, ValueError, IndexError):
            for thread in os.listdir(f"{self._folder}/task"):  # noqa: PTH208 -- names alone
                if thread != first:
                    total += int(_read(f"{self._folder}/task/{thread}/schedstat").split()[0])
        return total * NANO


def _read(path: str) -> bytes:
    """Once for each request, so without a file object."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 12)
    finally:
        os.close(fd)
