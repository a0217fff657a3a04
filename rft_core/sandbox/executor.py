"""Run functions of user-written source in the sandbox: the door for reward functions.

Each source has a jailed process of its own that serves many calls, so that a call costs about a
millisecond; a source that imports torch gets one that has it already. It sees Python's libraries
and an empty folder, and nothing else of this machine: no files, network, other processes,
environment. At the deadline it is killed and the next call starts afresh. Where the machine offers
no sufficient jail, nothing is run: see `tiers.py`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from rft_core.errors import RftError
from rft_core.sandbox import frames
from rft_core.sandbox.answers import Answer, Failure, read_answer
from rft_core.sandbox.flavours import Flavour, choose_flavour
from rft_core.sandbox.fork_server import GRACE_SECONDS, Ending, Process
from rft_core.sandbox.limits import Limits
from rft_core.sandbox.outcome import (
    DeadlineError,
    ExecutionError,
    InfrastructureError,
    Outcome,
    OutputLimitError,
    SandboxRefusedError,
)
from rft_core.sandbox.servers import Servers, TriedServer

__all__ = ["CallResult", "Executor", "Failure", "Limits", "Outcome"]


@dataclass(frozen=True)
class CallResult:
    """What one call gave. `values` is None where it failed; they are not yet checked."""

    values: Any
    failure: Failure | None
    seconds: float
    stdout: str = ""
    extras: Mapping[str, list[str]] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        return self.failure.outcome if self.failure else Outcome.OK


@dataclass(frozen=True)
class _Running:
    """The process of one source, and the server it came from."""

    process: Process
    tried: TriedServer


class Executor:
    """Fork servers, started at the first call, and a process for each source. Not thread-safe."""

    def __init__(self, limits: Limits | None = None, servers: Servers | None = None) -> None:
        """`servers` are shared with others and stay theirs to close."""
        self._limits = limits or Limits()
        self._servers, self._are_ours = servers or Servers(), servers is None
        self._running: dict[str, _Running] = {}
        self._forgiven = self._servers.failures  # those before the last answer

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def tier(self) -> str:
        """A, B or C. Starts a server; raises `RftError` where there is none."""
        tried = self._acquire(Flavour.PYTHON)
        self._servers.release(tried)
        return tried.report.tier or ""

    @property
    def dead_servers(self) -> int:
        """How many fork servers in a row have failed by now, with no answer in between."""
        return self._servers.failures - self._forgiven

    def load(self, source: str, timeout: float) -> CallResult:
        """Run the source's module level, unless its process has done so already."""
        return self._ask(source, {"source": source, "function": None}, timeout)

    def call(
        self, source: str, function: str, keywords: Mapping[str, Any], timeout: float
    ) -> CallResult:
        """Call `function` of `source` with JSON-able keywords; at most `timeout` seconds.

        Every failure of the user's code comes back as a `Failure`; nothing is raised for it.
        """
        request = {"source": source, "function": function, "keywords": keywords}
        return self._ask(source, request, timeout)

    def close(self) -> None:
        """End every process and remove their folders."""
        for source in list(self._running):
            with suppress(InfrastructureError):
                self._end(source)
        if self._are_ours:
            self._servers.close()

    def _ask(self, source: str, request: Mapping[str, Any], timeout: float) -> CallResult:
        channel = self._ensure_process(source).channel
        start = time.monotonic()
        try:
            answer = read_answer(channel.exchange(frames.pack(request), start + timeout))
            self._forgiven = self._servers.failures
        except ExecutionError as error:
            answer = Answer(failure=self._bury(source, error, timeout))
        seconds = time.monotonic() - start
        output = channel.take_output()
        return CallResult(
            answer.values, answer.failure, seconds, output, answer.extras, answer.metrics
        )

    def _bury(self, source: str, error: ExecutionError, timeout: float) -> Failure:
        """End the process that gave no answer; say how it came to that."""
        try:
            ending = self._end(source, GRACE_SECONDS if error.outcome is Outcome.KILLED else 0)
        except InfrastructureError as gone:
            return Failure("died", f"the sandbox failed: {gone}", outcome=Outcome.INFRA_ERROR)
        if isinstance(error, DeadlineError):
            message = f"it took longer than {timeout:.3g} s and was stopped"
            return Failure("hang", message, outcome=error.outcome)
        why = error if isinstance(error, OutputLimitError) else ending
        return Failure("died", f"its process ended: {why}", outcome=error.outcome)

    def _end(self, source: str, grace: float = 0.0) -> Ending:
        running = self._running.pop(source)
        try:
            ending = running.tried.server.end(running.process, grace)
        except InfrastructureError:
            self._servers.release(running.tried, has_failed=True)
            raise
        self._servers.release(running.tried)
        return ending

    def _ensure_process(self, source: str) -> Process:
        running = self._running.get(source)
        if running and running.process.channel.is_silent():
            return running.process
        if running:
            with suppress(InfrastructureError):
                self._end(source)  # it ended while idle: nobody's fault
        tried = self._acquire(choose_flavour(source))
        try:
            process = tried.server.spawn(self._limits, tried.report.layers)
        except InfrastructureError as error:
            self._servers.release(tried, has_failed=True)
            raise _no_process(error) from error
        self._running[source] = _Running(process, tried)
        return process

    def _acquire(self, flavour: Flavour) -> TriedServer:
        try:
            return self._servers.acquire(flavour)
        except InfrastructureError as error:
            raise _no_process(error) from error
        except SandboxRefusedError as error:
            raise RftError(
                "Reward functions in Python and regular expressions are refused on this machine",
                str(error),
                "See `python -m rft_core sandbox`; built-in rewards work without",
            ) from error


def _no_process(error: InfrastructureError) -> RftError:
    return RftError(
        "The process for reward functions did not start",
        str(error),
        "Check the limits on processes and memory of this machine",
    )
