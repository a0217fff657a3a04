"""A toast in Chromium: a run ends while another page is open, and only those who watched hear."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.paths import PROJECT_ROOT
from tests.sample_run import begin_run

pytestmark = pytest.mark.browser
PATIENCE = 30_000


def test_a_run_that_ends_is_told_on_another_page_once(
    page: Page, serve: Callable[..., Any], tmp_path: Path, wait_for_app: Callable[[Page], None]
) -> None:
    run = begin_run(tmp_path, "watched", max_steps=100)
    run.hold()
    run.train(3)
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(tmp_path)).url
    page.goto(f"{url}/prompts")
    expect(page.get_by_role("heading", name="Prompts", exact=True)).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    toast = page.get_by_test_id("stToast")
    expect(toast).to_have_count(0)
    run.end("failed")
    expect(toast).to_contain_text("has failed", timeout=PATIENCE)
    page.reload()
    expect(page.get_by_role("heading", name="Prompts", exact=True)).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    expect(toast).to_have_count(0)  # a new session: it had happened before
