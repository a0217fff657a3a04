"""The door for graders that run a candidate's code: one fresh jailed process for each candidate.

A `Program` is a text of ours (see `programs/`) that runs beside the candidate and offers functions;
a `Session` is one jailed process in which they can be called; a `Provider` opens sessions. What
comes back is data: the trusted side, which holds the expected values, compares. `local.py` has the
one provider there is; another (containers, virtual machines, a remote service) needs only this.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from rft_core.sandbox.flavours import Flavour
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import Outcome

__all__ = ["Flavour", "Limits", "Outcome", "Program", "Provider", "Reply", "Session"]


@dataclass(frozen=True)
class Program:
    """Our text that runs beside the candidate in the jailed process. It holds no expected values.

    It runs once per fork server and is inherited: its imports cost nothing per candidate. It may
    start no threads. It should compile a candidate under the file name `CANDIDATE`, which it finds
    among its globals; then errors name the candidate's line.
    """

    flavour: Flavour
    source: str


@dataclass(frozen=True)
class Reply:
    """What a call gave. Everything here was written by a process that also ran the candidate."""

    outcome: Outcome
    value: Any = None  # only where the outcome is ok
    detail: str = ""  # otherwise what happened: "NameError: name 'x' is not defined (line 3)"
    stdout: str = ""
    seconds: float = 0.0
    blocked: tuple[str, ...] = ()  # what it tried and must not: "network", "file", "process", ...


class Session(Protocol):
    """One jailed process for one candidate. For one thread at a time."""

    def call(self, function: str, arguments: Mapping[str, Any], timeout: float) -> Reply:
        """Call `function(**arguments)` of the program; at most `timeout` seconds.

        Arguments and the value returned keep their exact types, see `values.py`. After any outcome
        but ok and candidate_error the process is gone, and every later call gives the same. Raises
        `InfrastructureError` where the sandbox itself failed.
        """
        ...


class Provider(Protocol):
    """Where jailed processes come from. For any number of threads."""

    @property
    def tier(self) -> str:
        """How well it locks in: see `tiers.py`. Raises `SandboxRefusedError` where it cannot."""
        ...

    @property
    def failures(self) -> int:
        """How many servers have died, failed or not started so far."""
        ...

    def open(
        self, program: Program, limits: Limits | None = None
    ) -> AbstractContextManager[Session]:
        """A fresh process. Raises `InfrastructureError` and `SandboxRefusedError`."""
        ...

    def close(self) -> None:
        """End everything. A later `open` starts anew."""
        ...
