"""What the supervisor needs of a place where workers can live. `local.py` is the first.

A worker is known by its handle: text that is stored with the command that it answers, and that
only the backend which gave it can read. A new supervisor has nothing but that text.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Protocol

_MEANINGS = {
    signal.SIGKILL: "by a person, or by the kernel because memory ran out",
    signal.SIGSEGV: "a crash inside a library",
    signal.SIGBUS: "a crash inside a library, or a file that was cut short while it was read",
    signal.SIGABRT: "a library gave up",
    signal.SIGILL: "a library was built for another processor",
    signal.SIGXCPU: "it used all the processor time that it was allowed, see `ulimit -t`",
    signal.SIGXFSZ: "it wrote a larger file than it was allowed, see `ulimit -f`",
}


@dataclass(frozen=True)
class WorkerEnd:
    """How a worker ended. `code`: its exit code, minus the signal that ended it; None: unseen."""

    code: int | None

    @property
    def signal_text(self) -> str:
        """Which signal ended it and what that usually means; empty if none did."""
        if self.code is None or self.code >= 0:
            return ""
        try:
            name = signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"
        meaning = _MEANINGS.get(signal.Signals(-self.code))
        return f"{name} ({meaning})" if meaning else name


class Backend(Protocol):
    """Every method is quick: none waits for a worker. `run` is a run's id.

    They may raise `RftError` or `OSError`, which is told to the run that it concerns.
    """

    @property
    def name(self) -> str:
        """As `commands.backend` spells it."""

    def start(self, run: str) -> str:
        """Start a worker for the run; its handle.

        From before this returns until the worker's end, the run's lock is held, by the worker or
        for it (see `LockForChild`): the lock is how everybody else sees that the run is alive.
        """

    def keep_ready(self, wanted: bool) -> None:
        """Have a worker on its way for the next `start`, where that is possible; or none."""

    def find(self, run: str) -> str | None:
        """The living worker that holds the run, whoever started it; None where there is none."""

    def is_alive(self, run: str, handle: str) -> bool:
        """Whether this worker of this run still lives."""

    def ask_to_stop(self, run: str, handle: str) -> bool:
        """Ask it to save a checkpoint and end; False when it could not be reached."""

    def kill(self, run: str, handle: str) -> None:
        """End it at once, with all that it started."""

    def get_end(self, run: str, handle: str) -> WorkerEnd:
        """How a worker ended that is not alive any more."""
