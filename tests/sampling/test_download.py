"""Progress of a download: counted in the hub's threads, reported in the caller's, cancelled."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from rft_core.sampling.loading import download as module
from rft_core.sampling.loading.download import DownloadCancelledError, download
from rft_core.store.run_reader import get_progress, open_run
from rft_core.store.run_writer import RunWriter

CHUNK, CHUNKS, FILES = 1_000_000, 20, 4


def test_bars_that_move_in_threads_can_report_to_a_runs_database(tmp_path: Path, monkeypatch):
    def snapshot_download(name, *, allow_patterns, tqdm_class):
        """As the hub's client: one bar for all files, each file fetched in a thread of its own."""
        bar = tqdm_class(total=0, unit="B")
        bar.total = FILES * CHUNKS * CHUNK

        def fetch(_):
            for _ in range(CHUNKS):
                bar.update(CHUNK)

        with tqdm_class(total=FILES) as files, ThreadPoolExecutor(FILES) as pool:
            for _ in pool.map(fetch, range(FILES)):
                files.update()
        return str(tmp_path)

    monkeypatch.setattr(module, "snapshot_download", snapshot_download)
    callers, fractions = set(), []
    with closing(RunWriter(tmp_path, "run")) as writer:

        def show_loading(message: str, fraction: float | None) -> None:
            callers.add(threading.get_ident())
            fractions.append(fraction)
            writer.set_progress("loading", message, step=0, max_steps=1)

        assert download("some/model", ["*"], show_loading) == tmp_path
    assert callers == {threading.get_ident()}
    assert fractions[-1] == 1
    with open_run(tmp_path, "run") as db:
        assert get_progress(db).detail == "downloading some/model: 80 of 80 MB"


def test_whoever_leaves_ends_the_download(monkeypatch):
    cancelled = threading.Event()

    def snapshot_download(name, *, allow_patterns, tqdm_class):
        bar = tqdm_class(total=10**12, unit="B")
        try:
            while True:
                bar.update(1)
        except DownloadCancelledError:
            cancelled.set()
            raise

    def leave(message: str, fraction: float | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "snapshot_download", snapshot_download)
    with pytest.raises(KeyboardInterrupt):
        download("some/model", ["*"], leave)
    assert cancelled.wait(30)


def test_what_the_hub_says_reaches_the_caller(monkeypatch):
    def snapshot_download(name, *, allow_patterns, tqdm_class):
        raise OSError("disk full")

    monkeypatch.setattr(module, "snapshot_download", snapshot_download)
    with pytest.raises(OSError, match="disk full"):
        download("some/model", ["*"], lambda message, fraction: None)
