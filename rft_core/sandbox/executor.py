"""Run functions of user-written source in the sandbox: the one door for everything above.

Each source has a jailed process of its own that serves many calls, so that a call costs about a
millisecond. It sees Python's libraries and an empty folder, and nothing else of this machine: no
files, network, other processes, environment. At the deadline it is killed and the next call starts
afresh. Where the machine offers no sufficient jail, nothing is run: see `tiers.py`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from rft_core.errors import RftError
from rft_core.sandbox import frames
from rft_core.sandbox.answers import Answer, Failure, read_answer
from rft_core.sandbox.fork_server import GRACE_SECONDS, ForkServer, Process
from rft_core.sandbox.limits import Limits
from rft_core.sandbox.outcome import (
    DeadlineError,
    ExecutionError,
    InfrastructureError,
    Outcome,
    OutputLimitError,
)
from rft_core.sandbox.tiers import SandboxReport, start_server

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


class Executor:
    """A fork server, started at the first call, and a process for each source. Not thread-safe."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._server: ForkServer | None = None
        self._report: SandboxReport | None = None
        self._processes: dict[str, Process] = {}

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
        """A, B or C. Starts the server; raises `RftError` where there is none."""
        return self._ensure_server()[1].tier or ""

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
        self._processes.clear()
        if self._server:
            self._server.close()
            self._server = None

    def _ask(self, source: str, request: Mapping[str, Any], timeout: float) -> CallResult:
        start = time.monotonic()
        try:
            process = self._ensure_process(source)
        except InfrastructureError as error:
            self.close()
            return CallResult(None, _infra_failure(error), time.monotonic() - start)
        try:
            frame = process.channel.exchange(frames.pack(request), start + timeout)
            answer = read_answer(frame)
        except ExecutionError as error:
            answer = Answer(failure=self._bury(source, error, timeout))
        seconds = time.monotonic() - start
        output = process.channel.take_output()
        return CallResult(
            answer.values, answer.failure, seconds, output, answer.extras, answer.metrics
        )

    def _bury(self, source: str, error: ExecutionError, timeout: float) -> Failure:
        """End the process that gave no answer; say how it came to that."""
        process = self._processes.pop(source)
        assert self._server
        grace = GRACE_SECONDS if error.outcome is Outcome.KILLED else 0
        try:
            ending = self._server.end(process, grace)
        except InfrastructureError as gone:
            self.close()
            return _infra_failure(gone)
        if isinstance(error, DeadlineError):
            message = f"it took longer than {timeout:.3g} s and was stopped"
            return Failure("hang", message, outcome=error.outcome)
        why = error if isinstance(error, OutputLimitError) else ending
        return Failure("died", f"its process ended: {why}", outcome=error.outcome)

    def _ensure_process(self, source: str) -> Process:
        server, report = self._ensure_server()
        process = self._processes.get(source)
        if process and not process.channel.is_silent():
            server.end(self._processes.pop(source))  # it ended while idle: nobody's fault
            process = None
        if process is None:
            process = self._processes[source] = server.spawn(self._limits, report.layers)
        return process

    def _ensure_server(self) -> tuple[ForkServer, SandboxReport]:
        if self._server and not self._server.is_alive():
            self.close()
        if self._server is None or self._report is None:
            self._server, self._report = start_server()
        if self._server is None:
            raise RftError(
                "Reward functions in Python and regular expressions are refused on this machine",
                f"code cannot be locked in here ({self._report.missing})",
                "See `python -m rft_core sandbox`; built-in rewards work without",
            )
        return self._server, self._report


def _infra_failure(error: InfrastructureError) -> Failure:
    return Failure("died", f"the sandbox failed: {error}", outcome=Outcome.INFRA_ERROR)
