"""Proof of life: the worker of a run holds a file lock for as long as it lives.

The kernel frees a `flock` however its holder dies, which a pid file or a status column cannot
promise. The descriptor is not inherited by children, so a grandchild cannot keep a run alive.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rft_core.errors import WorkerError

_PROBE_SECONDS = 2.0


class FileLock:
    """An exclusive lock on a file, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises `WorkerError` when another process holds it. Those that only share it are waited
        out: a probe, or a reader that migrates an old database."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _PROBE_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._descriptor = descriptor
                return
            except BlockingIOError:
                if is_locked(self._path) and time.monotonic() > deadline:
                    os.close(descriptor)
                    raise WorkerError(f"Another process already holds {self._path}") from None
                time.sleep(0.05)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def share_lock(path: Path) -> Iterator[bool]:
    """Keep holders away for a moment, unseen by `is_locked`. Yields False when there is one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_CREAT, 0o600)
    except OSError:  # a folder that we may only read: others may hold it without our seeing it
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)
