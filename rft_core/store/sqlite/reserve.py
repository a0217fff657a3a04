"""A little space kept in the runs folder, so that runs can be deleted on a disk that is full.

Deleting a run writes a few pages first. On a full disk SQLite cannot even open its shared memory;
the reserve is given up then, and made again once there is room.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from rft_core.paths import get_reserve_path
from rft_core.store.sqlite.failures import is_disk_full

RESERVE_BYTES = 2 << 20
ROOM_NEEDED = 8 * RESERVE_BYTES  # on a disk with less free, the space is better left to the runs


def ensure_reserve(runs_dir: Path) -> None:
    """Make it if it is not there; without a word where that is not possible."""
    path = get_reserve_path(runs_dir)
    with suppress(OSError):
        if path.exists() or shutil.disk_usage(runs_dir).free < ROOM_NEEDED:
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)


def give_up_reserve(runs_dir: Path) -> None:
    """Free it if the disk is full."""
    if is_disk_full(runs_dir):
        with suppress(OSError):
            get_reserve_path(runs_dir).unlink(missing_ok=True)
