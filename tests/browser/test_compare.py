"""Compare in Chromium: what differs in two runs, what got worse with both texts, and a clone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.paths import PROJECT_ROOT
from tests.browser.page_actions import button
from tests.compared_runs import write_evaluation, write_two_runs

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> str:
    folder: Path = tmp_path_factory.mktemp("runs")
    write_two_runs(folder)
    write_evaluation(folder, one=("A", "A", "A", "b", "b"), two=("A", "b", "b", "A", "b"))
    served = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(folder), RFT_SPARE_WORKER="0")
    return str(served.url)


def test_two_runs_say_what_differs_and_what_got_worse(
    page: Page, url: str, wait_for_app: Callable[[Page], None]
) -> None:
    page.goto(f"{url}/compare?runs=one,two")
    wait_for_app(page)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=PATIENCE)
    settings = page.locator("[data-testid=stTable]").first
    expect(settings).to_contain_text("learning_rate", timeout=PATIENCE)
    expect(settings).to_contain_text("0.003")
    expect(page.get_by_text("# short is good")).to_be_visible()
    expect(page.get_by_text("2 turned wrong (McNemar")).to_be_visible()

    cards = page.locator(".gen")
    expect(cards).to_have_count(4)
    for place, verdict, answer in ((0, "right", "a"), (1, "wrong", "b")):
        expect(cards.nth(place)).to_contain_text(verdict)
        expect(cards.nth(place).locator(".gen-answer")).to_have_text(answer)
    page.get_by_text("1 still wrong in both").click()
    expect(cards).to_have_count(2)
    expect(cards.nth(1)).to_contain_text("wrong")

    page.locator(".st-key-clone-two button").locator("visible=true").first.click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_label("learning_rate", exact=True)).to_have_value("0.003")


def test_the_address_keeps_the_runs_and_one_alone_says_what_to_do(
    page: Page, url: str, wait_for_app: Callable[[Page], None]
) -> None:
    page.goto(f"{url}/compare?runs=one,gone")
    expect(page.get_by_text("Not here any more: gone")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Choose two runs or more, here")).to_be_visible()
    wait_for_app(page)
    page.get_by_role("combobox", name="Runs, the one to hold against first").click()
    page.get_by_role("option", name="Run two · two").click()
    expect(page.get_by_text("What got worse, what got better")).to_be_visible(timeout=PATIENCE)
    assert page.url.endswith("runs=one%2Ctwo")
    expect(button(page, "Evaluate them on held-out rows")).to_have_count(0)
