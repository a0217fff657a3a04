"""Room on the disk for what a worker must still write: a checkpoint, and its last words."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from rft_core.paths import get_checkpoints_dir, get_run_dir, name_checkpoint
from rft_core.store.sqlite.failures import make_disk_full_error
from rft_core.store.sqlite.reserve import give_up_reserve

UNFINISHED = ".unfinished-*"


def check_room(target: Path) -> None:
    """Raise `DiskFullError` unless the checkpoint `target` fits beside the others.

    It is taken to be as large as the largest of them. Of the first nothing is known: it finds out
    by being written.
    """
    needed = max((_measure(path) for path in target.parent.glob(name_checkpoint("*"))), default=0)
    if needed and needed > shutil.disk_usage(target.parent).free:
        raise make_disk_full_error(target, needed)


def make_room(runs_dir: Path, run_id: str) -> None:
    """On a full disk: give up the reserve, and what was being written when it became full."""
    give_up_reserve(runs_dir)
    folders = (get_run_dir(runs_dir, run_id), get_checkpoints_dir(runs_dir, run_id))
    for path in (path for folder in folders for path in folder.glob(UNFINISHED)):
        shutil.rmtree(path, ignore_errors=True)


def _measure(checkpoint: Path) -> int:
    total = 0
    with suppress(OSError):  # one that is being removed
        total = sum(file.stat().st_size for file in checkpoint.iterdir() if file.is_file())
    return total
