"""Evaluate in Chromium and for real: a run that was trained, its base, what changed, and files."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.sampling.service.client import GenerationClient
from tests.browser.page_actions import button, choose, fill_number
from tests.tiny_model import make_tiny_model
from tests.tiny_run import add_tiny_run, live_in_process
from tests.training.test_methods import make_gold_prompts

pytestmark = pytest.mark.browser
PATIENCE = 90_000  # milliseconds, for what loads a model
OPENS_A_TAG = RewardSet((RewardEntry("opens", "regex", 1.0, {"pattern": "<"}),), "opens a tag")


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run that learned to begin as its examples do, which its base does next to never."""
    folder = tmp_path_factory.mktemp("runs")
    model = make_tiny_model(tmp_path_factory.mktemp("model"))
    add_tiny_run(
        folder, model, "tuned", method="sft", gold_column="gold", prompts=make_gold_prompts(),
        rewards=OPENS_A_TAG, max_steps=24, save_steps=12, learning_rate=0.05,
    )  # fmt: skip
    assert live_in_process(folder, "tuned").outcome == "finished"
    yield folder
    GenerationClient(folder).stop()


def test_a_tuned_run_is_compared_read_example_by_example_and_taken_away(
    page: Page, runs_dir: Path, serve: Callable[..., Any], wait_for_app: Callable[[Page], None]
) -> None:
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    page.goto(f"{url}/evaluate?run=tuned")
    expect(page.get_by_text("custom · tuned").first).to_be_visible(timeout=PATIENCE)
    choose(page, "Runs and checkpoints, compared with the base", "custom · tuned · step 12")
    page.keyboard.press("Escape")
    choose(page, "Best of k by", "length: the shortest")
    fill_number(page, "Samples each (k)", 6)
    wait_for_app(page)
    button(page, "Evaluate").click()
    verdicts = page.get_by_text("against base")
    expect(verdicts).to_have_count(2, timeout=PATIENCE)
    expect(verdicts.first).to_contain_text("points")
    expect(page.get_by_text("pass@k: any of k is right")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("best of k by shortest is right")).to_be_visible()

    turned = page.get_by_text(re.compile("^[1-3] turned right$")).inner_text()
    cards, count = page.locator(".gen"), int(turned[0])
    expect(cards).to_have_count(2 * count)
    expect(cards.nth(0)).to_contain_text("wrong")
    expect(cards.nth(1)).to_contain_text("right")
    page.get_by_text("Word by word").first.click()
    expect(page.locator(".gen-diff ins").first).to_be_visible()

    wait_for_app(page)
    figures = list(csv.DictReader(download(page, "CSV").splitlines()))
    assert {line["model"] for line in figures} == {"base", "tuned", "tuned@12"}
    assert {line["k"] for line in figures if line["measure"] == "pass@k"} >= set("123456")
    assert "custom · tuned · step 12" in download(page, "Markdown")
    assert download(page, "Changed examples").count('"direction": "to right"') == count

    page.goto(f"{url}/evaluate?evaluation=1")
    expect(page.get_by_text("against base")).to_have_count(2, timeout=PATIENCE)
    expect(page.locator(".gen")).to_have_count(2 * count)


def download(page: Page, name: str) -> str:
    with page.expect_download() as started:
        button(page, name).click()
    return Path(started.value.path()).read_text(encoding="utf-8")
