"""Signs of life of a worker, and its own look at whether its folder is still where it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HEARTBEAT_SECONDS = 1.0


@contextmanager
def heartbeat(
    path: Path, is_in_place: Callable[[], bool], on_moved: Callable[[], None]
) -> Iterator[None]:
    """Touch `path` every second: the process is alive and gets the processor.

    Whether its work makes progress is another question, which the progress row answers. Once
    `is_in_place` says no, `on_moved` is called, in the heartbeat's thread, and the beat ends.
    """
    ended = threading.Event()

    def beat() -> None:
        while is_in_place():
            with suppress(OSError):  # a full disk, or a folder that is just being moved
                path.touch()
            if ended.wait(HEARTBEAT_SECONDS):
                return
        on_moved()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
