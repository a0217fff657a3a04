"""Run the same work for many candidates, several at a time, each in a fresh jailed process.

A candidate that hangs or devours memory holds up its own thread and nobody else's. What fails on
our side is tried once more on a fresh fork server and then reported as failed, so that every job is
done once or not at all: never twice, and never as a zero.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.local import LocalProvider
from rft_core.sandbox.outcome import InfrastructureError, Outcome, SandboxRefusedError
from rft_core.sandbox.provider import Program, Provider, Session

J = TypeVar("J")
T = TypeVar("T")

ATTEMPTS = 2
MOST_DEAD_SERVERS = 3  # in a row; then this machine is not well, and trying on would hide it


@dataclass(frozen=True)
class Failed:
    """A job that could not be done, by no fault of the candidate's: it stays unscored."""

    outcome: Outcome  # infra_error or refused
    why: str


class Pool:
    """For one thread; it brings its own. `provider` stays the caller's to close."""

    def __init__(self, provider: Provider | None = None, workers: int | None = None) -> None:
        self._provider, self._is_ours = provider or LocalProvider(), provider is None
        self._workers = workers or _count_cores()
        self._forgiven = 0  # failures before the last success

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def dead_servers(self) -> int:
        """How many fork servers in a row have failed by now, with no job done in between."""
        return self._provider.failures - self._forgiven

    def run(
        self,
        program: Program,
        jobs: Sequence[J],
        work: Callable[[Session, J], T],
        limits: Limits | None = None,
    ) -> list[T | Failed]:
        """`work(session, job)` for each job, in a session of its own; results in the jobs' order.

        What `work` itself raises is raised here.
        """
        self._forgiven = self._provider.failures

        def do(job: J) -> T | Failed:
            return self._try(program, job, work, limits)

        with ThreadPoolExecutor(self._workers, "sandbox") as threads:
            return list(threads.map(do, jobs))

    def close(self) -> None:
        if self._is_ours:
            self._provider.close()

    def _try(
        self,
        program: Program,
        job: J,
        work: Callable[[Session, J], T],
        limits: Limits | None,
    ) -> T | Failed:
        why = f"{MOST_DEAD_SERVERS} fork servers in a row failed, so the batch was given up"
        for _ in range(ATTEMPTS):
            if self.dead_servers >= MOST_DEAD_SERVERS:
                break
            try:
                with self._provider.open(program, limits) as session:
                    result = work(session, job)
            except SandboxRefusedError as error:
                return Failed(Outcome.REFUSED, str(error))
            except InfrastructureError as error:
                why = str(error)
            else:
                self._forgiven = self._provider.failures
                return result
        return Failed(Outcome.INFRA_ERROR, why)


def _count_cores() -> int:
    """Those that this process may use, where the system says."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
