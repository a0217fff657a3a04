"""Where the generation service listens: beside the runs, or in the temporary folder.

A Unix socket's path may have 108 bytes at most, and a runs folder can lie deeper than that.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from rft_core.errors import BadInputError
from rft_core.paths import get_generation_socket_path

LONGEST_SOCKET_PATH = 100  # bytes; the kernel allows 107 and a final zero


def get_socket_path(runs_dir: Path) -> Path:
    """The socket of the service for this runs folder; its folder exists afterwards."""
    path = get_generation_socket_path(runs_dir.resolve())
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
    folder = Path(tempfile.gettempdir()) / f"rft-studio-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise BadInputError(
            f"{folder} belongs to another user",
            "",
            "Choose a shorter runs folder or another TMPDIR",
        )
    return folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.sock"


def get_lock_path(runs_dir: Path) -> Path:
    """Held with `flock` by the living service."""
    return get_socket_path(runs_dir).with_suffix(".lock")
