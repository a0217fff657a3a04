"""Proof of life: the worker of a run holds a file lock for as long as it lives.

The kernel frees a `flock` however its holder dies, which a pid file or a status column cannot
promise. Whoever starts a worker locks first and hands the lock over, so that no moment is left in
which a worker is on its way and holds nothing. The worker's own children do not inherit it: a
grandchild cannot keep a run alive. The file says who holds it, and which file it is: in a copy of
the folder its words mean nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rft_core.errors import WorkerError
from rft_core.store.state.process_identity import ProcessIdentity, get_identity

HANDED_OVER = "RFT_HELD_LOCK"  # the descriptor of a lock that was taken for this process
_PROBE_SECONDS = 2.0


class FileLock:
    """An exclusive lock on a file, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises `WorkerError` when another process holds it. Those that only share it are waited
        out: a probe, or a reader that migrates an old database. Whoever started this process may
        have locked it for us: then it is ours already."""
        descriptor = _take_what_was_handed_over(self._path)
        self._descriptor = _lock(self._path) if descriptor is None else descriptor
        _sign(self._descriptor, get_identity(os.getpid()))

    def is_in_place(self) -> bool:
        """Whether the file that is held still lies at the path: it may have been moved away."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except OSError:
            return False

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class LockForChild:
    """A lock that is taken before the process exists which will hold it.

        with LockForChild(path) as lock:
            process = subprocess.Popen(..., env={**env, **lock.environment}, pass_fds=lock.to_pass)
            lock.sign(get_identity(process.pid))

    Its end is the end of that process, whatever becomes of us; without one, it is free again.
    """

    def __init__(self, path: Path) -> None:
        """Raises `WorkerError` when another process holds it."""
        self._descriptor = _lock(path)
        _write(self._descriptor, "")  # the last holder's name would be wrong now

    @property
    def environment(self) -> dict[str, str]:
        return {HANDED_OVER: str(self._descriptor)}

    @property
    def to_pass(self) -> tuple[int, ...]:
        return (self._descriptor,)

    def sign(self, child: ProcessIdentity) -> None:
        """Say who holds it from now on."""
        _sign(self._descriptor, child)

    def __enter__(self) -> LockForChild:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


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


def read_holder(path: Path) -> ProcessIdentity | None:
    """The process that holds the lock now; None where nobody does, or it has not signed yet."""
    if not is_locked(path):
        return None
    try:
        signed = json.loads(path.read_text(encoding="ascii"))
        if signed["file"] == _name_file(path.stat()):
            return ProcessIdentity(signed["pid"], signed["started"], signed["boot"])
    except (OSError, ValueError, KeyError, TypeError):  # empty: an older version's
        pass
    return None


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


def _lock(path: Path) -> int:
    """The descriptor that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _PROBE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if is_locked(path) and time.monotonic() > deadline:
                os.close(descriptor)
                raise WorkerError(
                    f"Another process already holds {path}",
                    "It does the same work",
                    "Wait for it to end, or end it",
                ) from None
            time.sleep(0.05)


def _take_what_was_handed_over(path: Path) -> int | None:
    """The descriptor, if it is one of this very file. Our children get neither it nor its name."""
    named = os.environ.get(HANDED_OVER, "")
    try:
        descriptor = int(named)
        if not os.path.samestat(os.fstat(descriptor), path.stat()):
            return None
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # which changes nothing if it is so
    except (OSError, ValueError):
        return None
    del os.environ[HANDED_OVER]
    os.set_inheritable(descriptor, False)
    return descriptor


def _sign(descriptor: int, holder: ProcessIdentity) -> None:
    """Write who holds it. On a full disk nobody is named: the lock itself is what counts."""
    file = _name_file(os.fstat(descriptor))
    words = {"pid": holder.pid, "started": holder.started, "boot": holder.boot, "file": file}
    _write(descriptor, json.dumps(words))


def _write(descriptor: int, text: str) -> None:
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode("ascii"), 0)


def _name_file(status: os.stat_result) -> str:
    """Another one for each copy; the same wherever the file is moved to."""
    return f"{status.st_dev}:{status.st_ino}"
