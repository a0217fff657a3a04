"""The table on Overview in Chromium: rows selected, sorted, compared, archived and brought back."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from rft_core.paths import PROJECT_ROOT
from tests.browser.page_actions import button
from tests.sample_run import write_finished_run

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds
TICK_X, ROW, STEP_X = 16, 38, 775  # pixels: of the box of a row, of a row, of the column's head


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    for run, steps in (("run-a", 5), ("run-b", 2), ("run-c", 9)):
        write_finished_run(tmp_path, run, steps=steps)
        time.sleep(0.001)
    return tmp_path


@pytest.fixture
def table(page: Page, runs_dir: Path, serve: Callable[..., Any]) -> Locator:
    """The newest run is the first row."""
    served = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir), RFT_SPARE_WORKER="0")
    page.goto(served.url)
    found = page.locator(".st-key-run_table [data-testid=stDataFrame]")
    expect(found.locator("canvas").first).to_be_visible(timeout=PATIENCE)
    return found


def tick(table: Locator, row: int) -> None:
    table.click(position={"x": TICK_X, "y": ROW * row + ROW / 2 + ROW})


def test_selected_rows_are_compared_and_archived_and_come_back(
    page: Page, table: Locator, wait_for_app: Callable[[Page], None]
) -> None:
    wait_for_app(page)
    expect(button(page, "Compare")).to_be_disabled()
    tick(table, 0)
    expect(page.get_by_text("1 selected")).to_be_visible(timeout=PATIENCE)
    button(page, "Archive").click()
    expect(page.get_by_text("1 archived")).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    page.get_by_text("Archived", exact=True).click()
    wait_for_app(page)
    tick(table, 0)
    button(page, "Unarchive").click(timeout=PATIENCE)
    expect(page.get_by_text("1 archived")).to_have_count(0, timeout=PATIENCE)

    wait_for_app(page)
    tick(table, 1)
    expect(page.get_by_text("2 selected")).to_be_visible(timeout=PATIENCE)
    button(page, "Compare").click()
    expect(page.get_by_text("What got worse, what got better")).to_be_visible(timeout=PATIENCE)
    assert page.url.endswith("/compare?runs=run-c%2Crun-b")


def test_a_run_that_begins_meanwhile_loses_neither_the_selection_nor_the_order(
    page: Page, table: Locator, runs_dir: Path, wait_for_app: Callable[[Page], None]
) -> None:
    wait_for_app(page)
    table.click(position={"x": STEP_X, "y": ROW / 2})
    tick(table, 0)
    expect(page.locator(".st-key-run-run-b")).to_be_visible(timeout=PATIENCE)
    write_finished_run(runs_dir, "run-d", steps=7)
    expect(page.get_by_text("4 runs")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(page.locator(".st-key-run-run-b")).to_be_visible()
    wait_for_app(page)
    tick(table, 1)  # by steps, run-a is the next one; by age it would be run-c
    expect(page.get_by_text("2 selected")).to_be_visible(timeout=PATIENCE)
    button(page, "Compare").click()
    expect(page.get_by_text("What got worse, what got better")).to_be_visible(timeout=PATIENCE)
    assert page.url.endswith("/compare?runs=run-b%2Crun-a")
