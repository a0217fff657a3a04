"""A jailed process that stays from call to call: for reward functions and graders of ours."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import InfrastructureError, SandboxRefusedError, Unscored
from rft_core.sandbox.pool import ATTEMPTS
from rft_core.sandbox.servers import SERVERS, TriedServer
from rft_core.sandbox.session import JailedProgram, JailReply, JailSession


class KeptSession:
    """A session that is opened at the first call, kept, and opened anew where it has ended.

    For one thread at a time. Nothing is raised for what fails.
    """

    def __init__(self, program: JailedProgram, limits: Limits | None = None) -> None:
        self._program, self._limits = program, limits
        self._open: tuple[TriedServer, JailSession] | None = None

    def call(
        self, function: str, arguments: Mapping[str, Any], timeout: float
    ) -> JailReply | Unscored:
        """As `JailSession.call`. What cannot even start is tried `ATTEMPTS` times."""
        try:
            reply = self._ensure().call(function, arguments, timeout)
        except InfrastructureError as error:
            self._leave(has_failed=True)
            return Unscored(f"the sandbox failed: {error}", ours=True)
        except SandboxRefusedError as error:
            return Unscored(str(error), ours=False)
        SERVERS.note_success()
        if reply.is_last:
            self._leave()
        return reply

    def close(self) -> None:
        """End the process, if there is one; a later call starts another."""
        if self._open:
            try:
                self._open[1].close()
            except InfrastructureError:
                self._leave(has_failed=True)
            self._leave()

    def _ensure(self) -> JailSession:
        """Raises `InfrastructureError` where two servers in a row failed, `SandboxRefusedError`."""
        if self._open and not self._open[1].is_waiting:
            self.close()  # it ended while nobody asked anything: nobody's fault
        if self._open:
            return self._open[1]
        for _ in range(ATTEMPTS - 1):
            with suppress(InfrastructureError):
                return self._begin()
        return self._begin()

    def _begin(self) -> JailSession:
        tried = SERVERS.acquire(self._program.kind)
        try:
            session = JailSession(tried.server, tried.report.layers, self._program, self._limits)
        except InfrastructureError:
            SERVERS.release(tried, has_failed=True)
            raise
        self._open = tried, session
        return session

    def _leave(self, *, has_failed: bool = False) -> None:
        if self._open:
            SERVERS.release(self._open[0], has_failed=has_failed)
        self._open = None
