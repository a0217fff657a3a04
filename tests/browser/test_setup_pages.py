"""Prompts and Rewards in Chromium: from a file to a proven reward and the Train page's draft."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.paths import PROJECT_ROOT
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.index import open_index
from rft_core.store.sets import list_sets
from tests.browser.page_actions import button, choose, type_source, upload

pytestmark = pytest.mark.browser
Waits = Callable[[Page], None]

PUZZLES = [{"numbers": [i, i + 1, i + 2], "goal": i + 3, "note": f"n{i}"} for i in range(1, 21)]
HOSTILE = "<img src=x onerror=\"document.title='hacked'\"> **bold** $x$"
BROKEN = """\
def near(completions, goal_is=None, **columns):
    print("scoring", len(completions))
    return [1 / 0 for _ in completions]
"""
RIGHT = """\
def near(completions, **columns):
    return [float("<answer>" in text) for text in completions]
"""


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("setup")
    yield folder
    GenerationClient(folder).stop()


@pytest.fixture(scope="module")
def url(runs_dir: Path, serve: Callable[..., Any]) -> str:
    return str(serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url)


def test_from_a_file_to_a_proven_reward_and_the_train_page(
    page: Page, url: str, runs_dir: Path, wait_for_app: Waits
) -> None:
    page.goto(f"{url}/prompts")
    upload(page, "puzzles.jsonl", PUZZLES)
    expect(page.get_by_text("20 rows and 3 columns")).to_be_visible(timeout=30_000)
    choose(page, "Task", "Countdown")
    expect(page.get_by_text("Using the numbers [1, 2, 3]").last).to_be_visible(timeout=60_000)
    wait_for_app(page)
    button(page, "Save prompt set").dblclick()
    button(page, "Next: rewards").click()

    button(page, "Write one in Python").click()
    expect(page.get_by_text("Functions found")).to_be_visible()
    type_source(page, BROKEN)
    expect(page.get_by_role("spinbutton", name="near")).to_be_visible()
    page.locator(".cm-content").press("Control+Enter")
    expect(page.get_by_text("ZeroDivisionError").first).to_be_visible(timeout=60_000)
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    type_source(page, RIGHT)
    page.locator(".cm-content").press("Control+Enter")
    expect(page.get_by_text("ZeroDivisionError")).to_have_count(0, timeout=30_000)
    expect(page.locator(".cm-lint-marker-error")).to_have_count(0)
    expect(page.locator(".gen-grid .gen")).to_have_count(8)
    wait_for_app(page)

    button(page, "Save as a new version").dblclick()
    expect(page.get_by_text("countdown, version 1")).to_be_visible()
    button(page, "Next: train with these rewards").click()
    expect(page).to_have_url(f"{url}/train")
    prompt_set = page.get_by_role("combobox", name="prompt_set")
    expect(prompt_set).to_have_value("puzzles · 20 rows", timeout=30_000)
    with open_index(runs_dir) as index:
        assert len(list_sets(index, "prompts")) == 1
        assert len(list_sets(index, "rewards")) == 1


def test_typed_python_survives_a_visit_to_another_page(
    page: Page, url: str, wait_for_app: Waits
) -> None:
    page.goto(f"{url}/rewards")
    button(page, "Python starter").click()
    expect(page.get_by_text("Functions found")).to_be_visible(timeout=30_000)
    type_source(page, RIGHT)
    expect(page.get_by_role("spinbutton", name="near")).to_be_visible()
    page.get_by_role("link", name="Prompts").click()
    expect(page.get_by_text("Stored prompt sets")).to_be_visible()
    page.get_by_role("link", name="Rewards").click()
    expect(page.locator(".cm-content")).to_contain_text('float("<answer>" in text)')


def test_unsaved_rewards_and_pasted_completions_survive_a_reload_and_a_lost_session(
    page: Page, url: str, wait_for_app: Waits
) -> None:
    page.goto(f"{url}/rewards")
    button(page, "Python starter").click()
    expect(page.get_by_text("Functions found")).to_be_visible(timeout=30_000)
    type_source(page, RIGHT)
    weight = page.get_by_role("spinbutton", name="near")
    expect(weight).to_be_visible()
    weight.fill("0.7")
    weight.press("Enter")
    wait_for_app(page)
    page.get_by_text("Paste completions").click()
    pasted = page.get_by_label("Completions, one per line")
    pasted.fill("<answer>mine</answer>")
    pasted.press("Control+Enter")
    wait_for_app(page)
    expect(page).to_have_url(re.compile("draft=rewards-"))

    page.reload()
    expect_work(page)
    with_draft = page.url
    button(page, "Python starter").click()
    wait_for_app(page)
    type_source(page, BROKEN)  # what is typed last is the newest draft
    expect(page.get_by_role("spinbutton", name="near")).to_have_value("1")
    wait_for_app(page)

    page.goto(with_draft)  # a new session, as after the server's end
    expect_work(page)
    page.goto(f"{url}/rewards")  # an address that names none offers the newest
    wait_for_app(page)
    button(page, "Back to what I had").click()
    expect(page.locator(".cm-content")).to_contain_text("1 / 0 for _ in completions")


def expect_work(page: Page) -> None:
    expect(page.locator(".cm-content")).to_contain_text('float("<answer>" in text)', timeout=30_000)
    expect(page.get_by_role("spinbutton", name="near")).to_have_value("0.7")
    expect(page.get_by_label("Completions, one per line")).to_have_value("<answer>mine</answer>")
    expect(page.get_by_text("was created with a default value")).to_have_count(0)


def test_sampling_can_be_cancelled(page: Page, url: str, wait_for_app: Waits) -> None:
    page.goto(f"{url}/rewards")
    for name in ("Number of prompts", "Completions per prompt"):
        page.get_by_role("spinbutton", name=name).fill("64")
        page.keyboard.press("Enter")
        wait_for_app(page)
    button(page, "Run the dry run").click()
    expect(page.get_by_text("decoding step")).to_be_visible(timeout=60_000)
    button(page, "Cancel").click()
    expect(button(page, "Cancel")).to_have_count(0)
    wait_for_app(page)
    expect(page.locator(".pf-figures")).to_have_count(0)
    expect(button(page, "Run the dry run")).to_be_enabled()


def test_hostile_texts_stay_texts(page: Page, url: str, wait_for_app: Waits) -> None:
    page.goto(f"{url}/prompts")
    upload(page, "evil_*[x](y)*.jsonl", [{"text": f"{HOSTILE} {i}", HOSTILE: i} for i in range(3)])
    page.get_by_text("Show tokens").click()
    expect(page.locator(".prompt-tokens")).to_contain_text("<img src=x")
    wait_for_app(page)
    page.goto(f"{url}/rewards")
    page.get_by_text("Paste completions").click()
    page.get_by_label("Completions, one per line").fill(f"{HOSTILE}\n<answer>{HOSTILE}</answer>")
    page.keyboard.press("Control+Enter")
    wait_for_app(page)
    button(page, "Run the dry run").click()
    expect(page.locator(".gen-grid .gen")).to_have_count(2, timeout=30_000)
    expect(page.locator(".gen-grid")).to_contain_text("<img src=x")
    assert page.locator("img[src=x]").count() == 0
    assert page.title() != "hacked"
