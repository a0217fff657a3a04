"""The dashboard ends soon after it is asked to, whatever browsers do, and training goes on."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from pages.components.static_routes import ASSETS_URL
from rft_core.jobs.launcher import kill, wait_for_end
from rft_core.paths import PROJECT_ROOT
from rft_core.store.index import open_index
from rft_core.store.run_reader import get_progress, open_run
from rft_core.store.runs import list_runs
from tests.runs_folder import await_truth
from tests.sample_run import SampleRun, begin_run

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds: other tests may keep both cores busy
# About a second on an idle machine. What holds the server up holds it for ever, so any bound finds
# it, and a busy machine needs a wide one.
SECONDS_TO_END = 30


@pytest.fixture
def live(tmp_path: Path) -> Iterator[SampleRun]:
    run = begin_run(tmp_path, "live", max_steps=100)
    run.hold()
    run.train(10)
    yield run
    run.end("stopped")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """The run that was started on the page, which really trains. Ended after the test."""

    def get() -> str:
        with open_index(tmp_path) as index:
            return list_runs(index)[0].id

    yield get
    kill(tmp_path, get())
    wait_for_end(tmp_path, get(), timeout=60)


def test_it_ends_while_pages_watch_a_live_run_and_one_has_fallen_asleep(
    page: Page, serve: Callable[..., Any], live: SampleRun, tmp_path: Path
) -> None:
    dashboard = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(tmp_path))
    for path in ("monitor", "generations", ""):
        watch(page.context.new_page(), f"{dashboard.url}/{path}?run={live.id}")
    with asleep_in_a_file(dashboard.url):
        live.train(1)  # something to draw is under way
        dashboard.process.send_signal(signal.SIGTERM)
        expect_end(dashboard)


def test_ctrl_c_ends_it_and_leaves_the_run_training(
    page: Page, serve: Callable[..., Any], demo: Callable[[], str], tmp_path: Path
) -> None:
    dashboard = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(tmp_path))
    page.goto(dashboard.url)
    page.get_by_role("button", name="Start the Countdown demo").click(timeout=PATIENCE)
    expect(page.locator(".st-key-run-header")).to_contain_text("Step 1", timeout=PATIENCE)
    watch(page.context.new_page(), f"{dashboard.url}/generations?run={demo()}")
    with asleep_in_a_file(dashboard.url):
        os.killpg(dashboard.process.pid, signal.SIGINT)  # as a terminal does
        expect_end(dashboard)
    step = get_step(tmp_path, demo())
    await_truth(lambda: get_step(tmp_path, demo()) > step, "another step")


def watch(tab: Page, url: str) -> None:
    with tab.expect_response(lambda answer: "/rft-pulse" in answer.url, timeout=PATIENCE):
        tab.goto(url)


def asleep_in_a_file(url: str) -> closing[socket.socket]:
    """Another browser, which has asked for a large file and reads no more of it."""
    address = urlsplit(url)
    client = socket.create_connection((address.hostname, address.port))
    request = f"GET {ASSETS_URL}/plotly-basic.min.js HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n"
    client.sendall(request.encode() * 8)  # more than the system keeps on its way
    assert client.recv(100).startswith(b"HTTP/1.1 200")
    return closing(client)


def expect_end(dashboard: Any) -> None:
    try:
        dashboard.process.wait(timeout=SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        pytest.fail(f"Still there after {SECONDS_TO_END} s:\n{dashboard.log.read_text()[-2000:]}")
    assert "Traceback" not in dashboard.log.read_text()


def get_step(runs_dir: Path, run: str) -> int:
    with open_run(runs_dir, run) as db:
        progress = get_progress(db)
    assert progress
    return progress.step
