"""The temporary folder of one fork server, and the removal of those that killed parents left.

A folder is in use for as long as its lock is held; the kernel frees it when the holder ends,
however that happens. So whoever gets the lock of a folder may remove it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "rft-sandbox-"
LOCK, CELLS = "lock", "cells"
YOUNG_SECONDS = 60.0  # a folder without a lock that is younger may be one that is being made


class Workspace:
    """Made at once, with what dead processes left swept away before; removed by `close`."""

    def __init__(self) -> None:
        sweep(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
        self._lock = os.open(self.folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.folder.chmod(0o755)
        self.cells = self.folder / CELLS  # what bubblewrap shows: one scratch folder per process
        self.cells.mkdir()
        self.cells.chmod(0o311)  # to pass through; nobody lists the folders of the neighbours

    def close(self) -> None:
        """Safe to call twice."""
        _remove(self.folder)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def disown(self) -> None:
        """In a fork: the folder, and its lock, are the parent's."""
        os.close(self._lock)
        self._lock = -1


def sweep(parent: Path) -> None:
    """Remove this user's folders that nobody uses any more."""
    for folder in parent.glob(PREFIX + "*"):
        with suppress(OSError):  # another process is quicker, or holds it
            if not folder.is_symlink() and folder.stat().st_uid == os.getuid():
                _remove_if_unused(folder)


def _remove_if_unused(folder: Path) -> None:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        if time.time() - folder.stat().st_mtime > YOUNG_SECONDS:
            _remove(folder)
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    finally:
        os.close(lock)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        (folder / CELLS).chmod(0o700)  # to be listed by whoever is not root
    shutil.rmtree(folder, ignore_errors=True)
