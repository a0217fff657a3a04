"""Other sites, in a real browser: they open no dashboard, frame none, and speak to none."""

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from rft_core.paths import PROJECT_ROOT
from tests.browser.conftest import CHROMIUM_FLAGS, wait_for_app
from tests.sample_run import write_finished_run

pytestmark = pytest.mark.browser
PATIENCE = 30_000  # milliseconds
TRY_TO_TALK = """(address) => new Promise((done) => {
    const talk = new WebSocket(address, ["streamlit"]);
    talk.onopen = () => done("opened");
    talk.onerror = () => done("refused");
})"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> str:
    runs_dir = tmp_path_factory.mktemp("watched")
    write_finished_run(runs_dir, "finished")
    return str(serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url)


@pytest.fixture
def another_site(url: str) -> Iterator[str]:
    """A page on another port of this machine that shows the dashboard in a frame."""

    class Framing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<h1>elsewhere</h1><iframe src="{url}/train"></iframe>'.encode())

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Framing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_the_dashboard_opens_without_a_token_for_the_user_who_started_it(
    page: Page, url: str
) -> None:
    page.goto(url)
    wait_for_app(page)
    expect(page.get_by_role("heading", name="RFT Studio")).to_be_visible(timeout=PATIENCE)
    assert page.evaluate(TRY_TO_TALK, f"ws://{urlsplit(url).netloc}/_stcore/stream") == "opened"


def test_a_name_that_was_pointed_at_this_machine_shows_nothing(
    browser: Browser, url: str, chromium_path: str
) -> None:
    """DNS rebinding: the browser believes that evil.example is 127.0.0.1."""
    flags = [*CHROMIUM_FLAGS, "--host-resolver-rules=MAP evil.example 127.0.0.1"]
    fooled = browser.browser_type.launch(executable_path=chromium_path, args=flags)
    try:
        page = fooled.new_page()
        port = urlsplit(url).port
        answer = page.goto(f"http://evil.example:{port}/train")
        assert answer and answer.status == 403
        assert page.locator("button").count() == 0
        talked = page.evaluate(TRY_TO_TALK, f"ws://evil.example:{port}/_stcore/stream")
        assert talked == "refused"
    finally:
        fooled.close()


def test_another_site_can_neither_frame_nor_speak_to_the_dashboard(
    page: Page, url: str, another_site: str
) -> None:
    page.goto(url)
    wait_for_app(page)  # the cookie is there now
    page.goto(another_site)
    expect(page.get_by_role("heading", name="elsewhere")).to_be_visible()
    [frame] = [frame for frame in page.frames if frame != page.main_frame]
    frame.wait_for_load_state()
    assert frame.locator("[data-testid=stApp]").count() == 0
    assert page.evaluate(TRY_TO_TALK, f"ws://{urlsplit(url).netloc}/_stcore/stream") == "refused"


def test_a_table_of_model_text_offers_no_download_that_a_spreadsheet_would_run(
    page: Page, url: str
) -> None:
    page.goto(f"{url}/generations?run=finished")
    wait_for_app(page)
    table = page.locator("[data-testid=stDataFrame]").first
    table.hover()
    toolbar = page.locator("[data-testid=stElementToolbar]").first
    expect(toolbar).to_be_visible(timeout=PATIENCE)
    expect(toolbar.get_by_label("Search")).to_be_visible()
    expect(toolbar.get_by_label("Download as CSV")).to_be_hidden()
