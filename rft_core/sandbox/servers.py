"""The fork servers of one user of the sandbox: one per flavour, started when first asked for.

A server that failed gets no new work and is replaced at the next request; it ends with the last of
its sessions, for they may be well. Where this machine has no sufficient jail, all requests are
refused but those for texts of ours: see `tiers.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rft_core.sandbox.flavours import Flavour
from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.outcome import InfrastructureError, SandboxRefusedError
from rft_core.sandbox.tiers import SandboxReport, start_server, start_unjailed


@dataclass
class TriedServer:
    """A running fork server, and what the probes found it to hold."""

    server: ForkServer
    report: SandboxReport
    users: int = 0
    has_failed: bool = False


class Servers:
    """For any number of threads."""

    def __init__(self) -> None:
        self._running: dict[Flavour, TriedServer] = {}
        self._starting = {flavour: threading.Lock() for flavour in Flavour}
        self._counting = threading.Lock()
        self.failures = 0  # servers that died, failed, or did not start

    def acquire(self, flavour: Flavour, *, is_ours: bool = False) -> TriedServer:
        """A server, to be given back by `release`, if only at the end of the last process there.

        `is_ours`: it is for a text of ours, which runs nothing that others wrote, and so may run
        where no tier holds. Raises `InfrastructureError` where none starts, `SandboxRefusedError`
        where no tier holds.
        """
        with self._starting[flavour]:
            tried = self._ensure(flavour, is_ours)
            with self._counting:
                tried.users += 1
            return tried

    def release(self, tried: TriedServer, *, has_failed: bool = False) -> None:
        with self._counting:
            self._note(tried, has_failed)
            tried.users -= 1
            is_done = tried.has_failed and not tried.users
        if is_done:
            tried.server.close()

    @contextmanager
    def borrow(self, flavour: Flavour) -> Iterator[TriedServer]:
        """`acquire` and `release`; an `InfrastructureError` in between is the server's failure."""
        tried = self.acquire(flavour)
        try:
            yield tried
        except BaseException as error:
            self.release(tried, has_failed=isinstance(error, InfrastructureError))
            raise
        else:
            self.release(tried)

    def list_running(self) -> list[TriedServer]:
        return list(self._running.values())

    def close(self) -> None:
        for flavour, lock in self._starting.items():
            with lock:
                if found := self._running.pop(flavour, None):
                    found.server.close()

    def _ensure(self, flavour: Flavour, is_ours: bool) -> TriedServer:
        found = self._running.get(flavour)
        if found and not found.has_failed and found.server.is_alive():
            _check_tier(found.report, is_ours)
            return found
        if found:
            with self._counting:
                found.users += 1
            self.release(found, has_failed=True)
        try:
            server, report = start_server(flavour)
            _check_tier(report, is_ours)
            if server is None:
                server, report = start_unjailed(flavour, report)
        except (InfrastructureError, OSError) as error:  # a full disk, no more files
            with self._counting:
                self.failures += 1
            raise InfrastructureError(str(error)) from error
        self._running[flavour] = TriedServer(server, report)
        return self._running[flavour]

    def _note(self, tried: TriedServer, has_failed: bool) -> None:
        """Each failed server counts once, however many threads notice."""
        if has_failed and not tried.has_failed:
            tried.has_failed = True
            self.failures += 1


def _check_tier(report: SandboxReport, is_ours: bool) -> None:
    if report.tier is None and not is_ours:
        raise SandboxRefusedError(f"code cannot be locked in here ({report.missing})")
