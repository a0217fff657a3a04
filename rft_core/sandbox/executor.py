"""Run functions of user-written source in the sandbox: the door for reward functions.

Each source has a jailed process of its own that serves many calls, so that a call costs about a
millisecond; a source that imports torch gets one that has it already. It sees Python's libraries
and an empty folder, and nothing else of this machine: no files, network, other processes,
environment. At the deadline it is killed and the next call starts afresh. Where the machine offers
no sufficient jail, only texts of ours are run: see `tiers.py`. Nothing is raised for what fails.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from rft_core.sandbox import frames
from rft_core.sandbox.answers import Answer, Failure, read_answer
from rft_core.sandbox.flavours import Flavour, choose_flavour
from rft_core.sandbox.fork_server import GRACE_SECONDS, Ending, Process
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import (
    DeadlineError,
    ExecutionError,
    InfrastructureError,
    Outcome,
    OutputLimitError,
    SandboxRefusedError,
)
from rft_core.sandbox.pool import ATTEMPTS
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
        """A, B or C. Raises `InfrastructureError`, and `SandboxRefusedError` where none holds."""
        with self._servers.borrow(Flavour.PYTHON) as tried:
            return tried.report.tier or ""

    @property
    def dead_servers(self) -> int:
        """How many fork servers in a row have failed by now, with no answer in between."""
        return self._servers.failures - self._forgiven

    def load(self, source: str, timeout: float, *, is_ours: bool = False) -> CallResult:
        """Run the source's module level, unless its process has done so already.

        `is_ours`: the source is a text of ours that runs nothing which others wrote.
        """
        return self._ask(source, {"source": source, "function": None}, timeout, is_ours)

    def call(
        self,
        source: str,
        function: str,
        keywords: Mapping[str, Any],
        timeout: float,
        *,
        is_ours: bool = False,
    ) -> CallResult:
        """Call `function` of `source` with JSON-able keywords; at most `timeout` seconds.

        Every failure, of the source or of ours, comes back as a `Failure`; nothing is raised.
        """
        request = {"source": source, "function": function, "keywords": keywords}
        return self._ask(source, request, timeout, is_ours)

    def close(self) -> None:
        """End every process and remove their folders."""
        for source in list(self._running):
            with suppress(InfrastructureError):
                self._end(source)
        if self._are_ours:
            self._servers.close()

    def _ask(
        self, source: str, request: Mapping[str, Any], timeout: float, is_ours: bool
    ) -> CallResult:
        try:
            channel = self._ensure_process(source, is_ours).channel
        except InfrastructureError as error:
            return CallResult(None, _sandbox_failed(error), 0.0)
        except SandboxRefusedError as error:
            return CallResult(None, Failure("unusable", str(error), outcome=error.outcome), 0.0)
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
            return _sandbox_failed(gone)
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

    def _ensure_process(self, source: str, is_ours: bool) -> Process:
        """Raises `InfrastructureError` where two servers in a row failed, `SandboxRefusedError`."""
        running = self._running.get(source)
        if running and running.process.channel.is_silent():
            return running.process
        if running:
            with suppress(InfrastructureError):
                self._end(source)  # it ended while idle: nobody's fault
        for _ in range(ATTEMPTS - 1):
            with suppress(InfrastructureError):
                return self._start_process(source, is_ours)
        return self._start_process(source, is_ours)

    def _start_process(self, source: str, is_ours: bool) -> Process:
        tried = self._servers.acquire(choose_flavour(source), is_ours=is_ours)
        try:
            process = tried.server.spawn(self._limits, tried.report.layers)
        except InfrastructureError:
            self._servers.release(tried, has_failed=True)
            raise
        self._running[source] = _Running(process, tried)
        return process


def _sandbox_failed(error: InfrastructureError) -> Failure:
    return Failure("died", f"the sandbox failed: {error}", outcome=error.outcome)
