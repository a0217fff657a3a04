"""The fork servers of this process: one per kind, started when first asked for, ended with it.

All that runs code here shares them: scorers, chat's questions, dry runs. A server that failed gets
no new work and is replaced at the next request; it ends with the last of its sessions, for they may
be well. Where this machine has no sufficient jail, all requests are refused but those for graders
of ours: see `tiers.py`. A fork of this process inherits none of them.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import InfrastructureError, SandboxRefusedError
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.session import JailedProgram, JailSession
from rft_core.sandbox.tiers import SandboxReport, start_server, start_unjailed


@dataclass
class TriedServer:
    """A running fork server, and what the trials found it to hold."""

    server: ForkServer
    report: SandboxReport
    users: int = 0
    has_failed: bool = False


class Servers:
    """For any number of threads. `failures`: servers that died, failed, or did not start."""

    def __init__(self) -> None:
        self._forget()

    @property
    def tier(self) -> str:
        """How well code is locked in: A, B or C. Raises as `acquire` does."""
        with self.borrow(ServerKind.PYTHON) as tried:
            return tried.report.tier or ""

    @property
    def dead_in_a_row(self) -> int:
        """How many servers have failed by now with nothing done in between."""
        return self.failures - self.forgiven

    def note_success(self) -> None:
        """Something was done: the failures before it are not one row with those to come."""
        self.forgiven = self.failures

    def acquire(self, kind: ServerKind) -> TriedServer:
        """A server, to be given back by `release`, if only at the end of the last process there.

        Raises `InfrastructureError` where none starts, `SandboxRefusedError` where no tier holds
        and the server is not for graders of ours.
        """
        with self._starting[kind]:
            tried = self._ensure(kind)
            with self._counting:
                tried.users += 1
            return tried

    def release(self, tried: TriedServer, *, has_failed: bool = False) -> None:
        with self._counting:
            if has_failed and not tried.has_failed:  # counts once, however many threads notice
                tried.has_failed = True
                self.failures += 1
            tried.users -= 1
            is_done = tried.has_failed and not tried.users
        if is_done:
            tried.server.close()

    @contextmanager
    def borrow(self, kind: ServerKind) -> Iterator[TriedServer]:
        """`acquire` and `release`; an `InfrastructureError` in between is the server's failure."""
        tried = self.acquire(kind)
        try:
            yield tried
        except BaseException as error:
            self.release(tried, has_failed=isinstance(error, InfrastructureError))
            raise
        else:
            self.release(tried)

    def close(self) -> None:
        """End all of them. A later request starts anew."""
        for kind, lock in self._starting.items():
            with lock:
                if found := self._running.pop(kind, None):
                    found.server.close()

    def _ensure(self, kind: ServerKind) -> TriedServer:
        found = self._running.get(kind)
        if found and not found.has_failed and found.server.is_alive():
            return found
        if found:
            del self._running[kind]
            with self._counting:
                found.users += 1
            self.release(found, has_failed=True)
        try:
            server, report = start_server(kind)
            if server is None and kind is not ServerKind.GRADERS:
                raise SandboxRefusedError(f"code cannot be locked in here ({report.missing})")
            if server is None:
                server, report = start_unjailed(kind, report)
        except (InfrastructureError, OSError) as error:  # a full disk, no more files
            with self._counting:
                self.failures += 1
            raise InfrastructureError(str(error)) from error
        self._running[kind] = TriedServer(server, report)
        return self._running[kind]

    def _forget(self) -> None:
        """In a fork of this process: its parent's servers, and locks that nobody will free."""
        for found in getattr(self, "_running", {}).values():
            found.server.disown()
        self._running: dict[ServerKind, TriedServer] = {}
        self._starting = {kind: threading.Lock() for kind in ServerKind}
        self._counting = threading.Lock()
        self.failures, self.forgiven = 0, 0


SERVERS = Servers()
atexit.register(SERVERS.close)
os.register_at_fork(after_in_child=SERVERS._forget)


@contextmanager
def open_session(program: JailedProgram, limits: Limits | None = None) -> Iterator[JailSession]:
    """A fresh process. Raises as `Servers.acquire` does."""
    with SERVERS.borrow(program.kind) as tried:
        session = JailSession(tried.server, tried.report.layers, program, limits)
        try:
            yield session
        finally:
            session.close()
