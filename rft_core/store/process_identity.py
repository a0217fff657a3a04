"""Telling one process from another: by its pid and when it started.

Pids are reused and a zombie still answers signal 0. The start is counted from the boot of the
machine, so that setting the clock makes no stranger of a living process.
"""

from __future__ import annotations

from dataclasses import dataclass

import psutil

_START_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True)
class ProcessIdentity:
    """`started` is in seconds since the machine's boot."""

    pid: int
    started: float


def get_identity(pid: int) -> ProcessIdentity:
    """Raises `psutil.NoSuchProcess` when it is gone."""
    return ProcessIdentity(pid, _start_of(psutil.Process(pid)))


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether this very process still runs."""
    try:
        process = psutil.Process(identity.pid)
        same = abs(_start_of(process) - identity.started) < _START_TOLERANCE_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _start_of(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()
