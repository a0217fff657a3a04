"""Run the same work for many candidates, several at a time, each in a fresh jailed process.

A candidate that hangs or devours memory holds up its own thread and nobody else's. What fails on
our side is tried once more on a fresh fork server and then reported as failed, so that every job is
done once or not at all: never twice, and never as a zero.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import InfrastructureError, SandboxRefusedError, Unscored
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.servers import SERVERS, open_session
from rft_core.sandbox.session import JailedProgram, JailSession

J = TypeVar("J")
T = TypeVar("T")

ATTEMPTS = 2  # at what fails on our side
MOST_DEAD_SERVERS = 3  # in a row; then this machine is not well, and trying on would hide it


def run_jobs(
    program: JailedProgram | Callable[[J], JailedProgram],
    jobs: Sequence[J],
    work: Callable[[JailSession, J], T],
    limits: Limits | None = None,
    workers: int | None = None,
) -> list[T | Unscored]:
    """`work(session, job)` for each job, in a session of its own; results in the jobs' order.

    `program` may depend on the job. What `work` itself raises is raised here.
    """
    failures_before = SERVERS.failures

    def do(job: J) -> T | Unscored:
        why = f"{MOST_DEAD_SERVERS} fork servers in a row failed, so the batch was given up"
        chosen = program(job) if callable(program) else program
        for _ in range(ATTEMPTS):
            if SERVERS.failures - max(SERVERS.forgiven, failures_before) >= MOST_DEAD_SERVERS:
                break
            try:
                with open_session(chosen, limits) as session:
                    result = work(session, job)
            except SandboxRefusedError as error:
                return Unscored(str(error), ours=False)
            except InfrastructureError as error:
                why = str(error)
            else:
                SERVERS.note_success()
                return result
        return Unscored(why, ours=True)

    with ThreadPoolExecutor(workers or _count_cores(), "sandbox") as threads:
        return list(threads.map(do, jobs))


def start_ahead(kinds: Iterable[ServerKind]) -> None:
    """Start the servers of these kinds that are not running, which takes seconds.

    To be called before a clock begins, as those are no candidate's seconds. One that cannot be
    started is left to the first job that needs it, which says so.
    """
    for kind in dict.fromkeys(kinds):
        with suppress(InfrastructureError, SandboxRefusedError), SERVERS.borrow(kind):
            pass


def _count_cores() -> int:
    """Those that this process may use, where the system says."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
