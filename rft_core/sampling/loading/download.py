"""Fetching a model's files from the hub, with progress that the calling thread reports.

The hub's client moves its bars from its own download threads, while whoever watches may write to a
database or a socket that belongs to one thread. So the bars only count, and the caller looks at the
counts from time to time. What a failed download means is said in `models.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.utils.tqdm import tqdm as hub_tqdm

ProgressCallback = Callable[[str, float | None], None]  # message, fraction in [0, 1] or unknown
SECONDS_BETWEEN_REPORTS = 0.25


class DownloadCancelledError(Exception):
    """Raised in the download threads: whoever wanted the files has left."""


class ByteCount:
    """The bytes fetched so far, over all bars of one download. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: list[hub_tqdm] = []
        self._is_cancelled = False

    def cancel(self) -> None:
        """The download ends with its next chunk."""
        self._is_cancelled = True

    def read(self) -> tuple[float, float]:
        """(bytes fetched, bytes known of); the second grows while files are discovered.

        The client has two byte bars, received and written, and not every download moves both.
        """
        with self._lock:
            done = max((bar.n for bar in self._bars), default=0)
            return done, max((bar.total or 0 for bar in self._bars), default=0)

    def make_bar_class(self) -> type[hub_tqdm]:
        """A silent tqdm class that does nothing but count here."""
        count = self

        class CountingBar(hub_tqdm):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]
                if kwargs.get("unit") == "B":  # the third bar counts files
                    count._bars.append(self)

            def update(self, n: float | None = 1) -> None:
                if count._is_cancelled:
                    raise DownloadCancelledError
                with count._lock:
                    self.n += n or 0  # a disabled tqdm does not count by itself

        return CountingBar


def download(name: str, files: Sequence[str], progress: ProgressCallback) -> Path:
    """The folder with those files of the hub's model. An exception in `progress` cancels.

    Raises what the hub's client raises.
    """
    count = ByteCount()
    pool = ThreadPoolExecutor(1, thread_name_prefix="download")
    try:
        running = pool.submit(
            snapshot_download, name, allow_patterns=list(files), tqdm_class=count.make_bar_class()
        )
        while not wait([running], SECONDS_BETWEEN_REPORTS).done:
            _report(name, count, progress)
        folder = Path(running.result())
    finally:
        count.cancel()
        pool.shutdown(wait=False)  # the caller may be leaving: the threads end by themselves
    _report(name, count, progress)
    return folder


def _report(name: str, count: ByteCount, progress: ProgressCallback) -> None:
    done, total = count.read()
    if not total:
        progress(f"asking the hub for {name}", None)
        return
    megabytes = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB"
    progress(f"downloading {name}: {megabytes}", min(1.0, done / total))
