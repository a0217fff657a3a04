"""The default provider: jailed processes on this machine, forked from warm servers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from rft_core.sandbox import frames
from rft_core.sandbox.answers import read_reply
from rft_core.sandbox.flavours import LIMITS, Flavour
from rft_core.sandbox.fork_server import GRACE_SECONDS, Ending, ForkServer, Process
from rft_core.sandbox.inside import values
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import (
    DeadlineError,
    ExecutionError,
    Outcome,
    OutputLimitError,
)
from rft_core.sandbox.provider import Program, Reply
from rft_core.sandbox.scratch import Scratch
from rft_core.sandbox.servers import Servers

GOES_ON = (Outcome.OK, Outcome.CANDIDATE_ERROR)


class LocalProvider:
    """Starts its fork servers when first needed; an `Executor` may share them. Thread-safe."""

    def __init__(self) -> None:
        self.servers = Servers()

    @property
    def tier(self) -> str:
        with self.servers.borrow(Flavour.PYTHON) as tried:
            return tried.report.tier or ""

    @property
    def failures(self) -> int:
        return self.servers.failures

    @contextmanager
    def open(self, program: Program, limits: Limits | None = None) -> Iterator[LocalSession]:
        limits = limits or LIMITS[program.flavour]
        with self.servers.borrow(program.flavour) as tried:
            process = tried.server.spawn(limits, tried.report.layers, program.source)
            session = LocalSession(tried.server, process)
            try:
                yield session
            finally:
                session.close()

    def close(self) -> None:
        self.servers.close()


class LocalSession:
    def __init__(self, server: ForkServer, process: Process) -> None:
        self._server, self._process = server, process
        self._last: Reply | None = None  # the one that ended it
        self._is_open = True

    @property
    def scratch(self) -> Scratch:
        return self._process.scratch

    def call(self, function: str, arguments: Mapping[str, Any], timeout: float) -> Reply:
        if self._last:
            return self._last
        request = frames.pack({"call": function, "arguments": _encode(arguments)})
        channel, start = self._process.channel, time.monotonic()
        try:
            reply = read_reply(channel.exchange(request, start + timeout))
        except ExecutionError as error:
            reply = Reply(error.outcome, detail=self._bury(error, timeout))
        if reply.outcome not in GOES_ON:
            self._last = reply
            self.close()
        seconds = time.monotonic() - start
        return replace(reply, stdout=channel.take_output(), seconds=seconds)

    def close(self) -> None:
        """Safe to call twice. Raises `InfrastructureError`."""
        self._end(0)

    def _bury(self, error: ExecutionError, timeout: float) -> str:
        """End the process that gave no answer; say how it came to that."""
        ending = self._end(GRACE_SECONDS if error.outcome is Outcome.KILLED else 0)
        if isinstance(error, DeadlineError):
            return f"it took longer than {timeout:.3g} s and was stopped"
        return str(error) if isinstance(error, OutputLimitError) else f"its process ended: {ending}"

    def _end(self, grace: float) -> Ending | None:
        if not self._is_open:
            return None
        self._is_open = False
        return self._server.end(self._process, grace)


def _encode(arguments: Mapping[str, Any]) -> dict[str, Any]:
    encoded = {name: values.encode(argument) for name, argument in arguments.items()}
    for name, argument in encoded.items():
        if isinstance(argument, dict) and "opaque" in argument:
            raise TypeError(f"the argument '{name}' cannot be sent: {argument['opaque']}")
    return encoded
