"""What redraws a page on its own, beside what a person does on it at the same moment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_actions import button

APP = Path(__file__).resolve().parent / "apps" / "app.py"
PATIENCE = 30_000

pytestmark = pytest.mark.browser

# Every question is answered at once, with another revision, while the click is on its way.
ANSWER_AT_ONCE = """
let revision = 0
window.fetch = async () => ({ ok: true, json: async () => ({ revision: String(++revision) }) })
"""
CLICK_AND_PULSE = """
button => { button.click(); document.dispatchEvent(new Event("visibilitychange")) }
"""


def test_a_click_is_not_lost_to_a_redraw(
    page: Page,
    serve: Callable[..., Any],
    tmp_path: Path,
    wait_for_app: Callable[[Page], None],
) -> None:
    url = serve(APP, RFT_TEST_PAGE="pulse_page.py", RFT_RUNS_DIR=str(tmp_path)).url
    page.goto(url)
    count = button(page, "Count")
    expect(count).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    page.evaluate(ANSWER_AT_ONCE)
    for click in range(1, 4):
        count.evaluate(CLICK_AND_PULSE)
        expect(page.get_by_text(f"clicks: {click}", exact=True)).to_be_visible(timeout=PATIENCE)
        wait_for_app(page)
