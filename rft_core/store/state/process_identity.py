"""Telling one process from another: by its pid, when it started, and the boot it started in.

Pids are reused and a zombie still answers signal 0. The start is counted from the boot of the
machine, so that setting the clock makes no stranger of a living process; the boot's own id keeps a
process of before a reboot from being taken for one of now.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True)
class ProcessIdentity:
    """`started` is in seconds since the machine's boot; `boot`: which one, "" where unknown."""

    pid: int
    started: float
    boot: str = ""


def get_identity(pid: int) -> ProcessIdentity:
    """Raises `psutil.NoSuchProcess` when it is gone."""
    return ProcessIdentity(pid, _start_of(psutil.Process(pid)), get_boot_id())


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether this very process still runs."""
    process = _find(identity)
    try:
        return process is not None and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_suspended(identity: ProcessIdentity) -> bool:
    """Whether it lives and was stopped by a signal (SIGSTOP): it does nothing until SIGCONT."""
    process = _find(identity)
    try:
        return process is not None and process.status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


@lru_cache(maxsize=1)
def get_boot_id() -> str:
    """Of the boot that this machine is in; "" where the kernel does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _find(identity: ProcessIdentity) -> psutil.Process | None:
    if identity.boot and identity.boot != get_boot_id():
        return None
    try:
        process = psutil.Process(identity.pid)
        same = abs(_start_of(process) - identity.started) < _START_TOLERANCE_SECONDS
    except (psutil.NoSuchProcess, ValueError):  # a pid below 0 is nobody's
        return None
    return process if same else None


def _start_of(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()
