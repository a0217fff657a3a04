"""The code editor, driven in Chromium inside a real Streamlit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

APP = Path(__file__).resolve().parent / "apps" / "app.py"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def editor_url(serve: Callable[..., Any]) -> str:
    return str(serve(APP, RFT_TEST_PAGE="editor_page.py").url)


def editor_of(page: Page) -> Any:
    return page.get_by_role("textbox", name="Reward source")


def test_typed_text_arrives_in_python_and_ctrl_enter_runs_it(page: Page, editor_url: str) -> None:
    page.goto(editor_url)
    editor = editor_of(page)
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("def reward(completions):\nreturn 1")
    expect(page.get_by_test_id("stCode")).to_contain_text("return 1")
    page.keyboard.type("2")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("runs: 1")).to_be_visible()
    expect(page.get_by_test_id("stCode")).to_contain_text("    return 12")
    expect(editor).to_be_focused()


def test_tab_indents_and_one_letter_shortcuts_of_streamlit_stay_out(
    page: Page, editor_url: str
) -> None:
    page.goto(editor_url)
    editor_of(page).click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    page.keyboard.type("rc = 1")
    expect(page.get_by_test_id("stCode")).to_contain_text("rc = 1")
    assert editor_of(page).inner_text() == "    rc = 1"


def test_a_syntax_error_and_the_pages_own_remarks_are_marked_on_their_lines(
    page: Page, editor_url: str
) -> None:
    page.goto(editor_url)
    editor_of(page).click()
    page.keyboard.press("Control+End")
    page.keyboard.type("x = = 1")
    expect(page.locator(".cm-lint-marker-error")).to_be_visible()
    expect(page.locator(".cm-lintRange-error")).to_have_text("x = = 1")
    expect(page.locator(".cm-lintRange-warning")).to_contain_text("def reward")


def test_another_value_replaces_the_text_and_leaving_keeps_the_draft(
    page: Page, editor_url: str
) -> None:
    page.goto(editor_url)
    editor = editor_of(page)
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("# mine")
    page.get_by_text("Show editor").click()
    expect(editor).to_have_count(0)
    page.get_by_text("Show editor").click()
    expect(editor).to_contain_text("# mine")
    page.get_by_text("Second version").click()
    expect(editor).to_have_text("# another version")
    expect(page.get_by_test_id("stCode")).to_have_text("# another version")


def test_the_editor_follows_a_change_of_theme(page: Page, editor_url: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(editor_url)
    expect(editor_of(page)).to_be_visible(timeout=30_000)
    background = "getComputedStyle(document.querySelector('.cm-editor')).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{background} !== {light!r}")
