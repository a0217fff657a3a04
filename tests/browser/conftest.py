"""Chromium, and a real `streamlit run` for a test to drive."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
CHROMIUMS = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "google-chrome-stable",
)  # fmt: skip
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Served:
    """A running dashboard: where it answers, the file its output goes to, and its process."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The system's Chromium or Chrome, or the one that playwright installed.

    The headless shell is the same browser without windows, tabs and their processes.
    """
    for name in CHROMIUMS:
        if found := shutil.which(name):
            return found
    with sync_playwright() as playwright:
        bundled = playwright.chromium.executable_path
    if Path(bundled).exists():
        return bundled
    pytest.fail(
        "The browser tests need Chromium and found none. Install it with "
        "`apt-get install chromium` or `.venv/bin/playwright install chromium`."
    )


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One headless Chromium for all tests; each test opens its own context or page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _context(browser: Browser) -> Iterator[BrowserContext]:
    """Keeps what it has loaded: Streamlit's own files take longer than most pages."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(_context: BrowserContext) -> Iterator[Page]:
    """A fresh page, 1400 x 900, that finds nothing stored by those before it."""
    page = _context.new_page()
    yield page
    if page.url.startswith("http"):
        page.evaluate("localStorage.clear()")
    for opened in _context.pages:
        opened.close()
    _context.clear_cookies()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Start `streamlit run` on a script or an `st.App` file; stopped after the module.

    `serve(script, **environment)` answers once the server is healthy. The working directory is
    the project, so that the project's theme and settings apply.
    """
    processes: list[subprocess.Popen[bytes]] = []

    def start(script: Path, **environment: str) -> Served:
        log = tmp_path_factory.mktemp("streamlit") / "server.log"
        port = _free_port()
        command = [sys.executable, "-m", "streamlit", "run", str(script)]
        options = ["--server.port", str(port), "--server.headless", "true"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, *options, "--server.address", "127.0.0.1"],
                cwd=PROJECT,
                env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a test may press Ctrl-C in its terminal
            )
        processes.append(process)
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, process, log)
        return Served(url, log, process)

    yield start
    for process in processes:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_app(page: Page) -> None:
    """Return once Streamlit has drawn the page and no script runs.

    A live fragment runs every few hundred milliseconds, so this sees a pause between two runs.
    """
    app = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    expect(app).to_be_attached(timeout=30_000)


@pytest.fixture(name="wait_for_app")
def wait_for_app_fixture() -> Callable[[Page], None]:
    """`wait_for_app`, for tests that cannot import this file."""
    return wait_for_app


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail(f"Streamlit did not start at {url}. Its output:\n{log.read_text()[-3000:]}")
