"""For tests that start a generation service: leave none behind."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.connection import get_lock_path


@contextlib.contextmanager
def service_folder(folder: Path) -> Iterator[Path]:
    """A runs folder whose service is gone afterwards."""
    try:
        yield folder
    finally:
        GenerationClient(folder).stop()
        wait_for_exit(folder)


def wait_for_exit(folder: Path) -> None:
    """The service holds its lock for life: getting it means that no service lives."""
    with get_lock_path(folder).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
