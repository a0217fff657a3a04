"""Chat in Chromium: a stream that is stopped half-way, and one that is left alone."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.paths import PROJECT_ROOT, get_adapter_dir
from rft_core.sampling.service.client import GenerationClient
from tests.browser.page_actions import button, fill_number
from tests.sampling.processes import service_folder
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run, await_truth

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds, for what loads a model
STOPPED = "Stopped before the end"


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tuned run whose answers are long: what is stopped must not have ended before."""
    model = make_tiny_model(tmp_path_factory.mktemp("model"), positions=32_768, endless=True)
    with service_folder(tmp_path_factory.mktemp("runs")) as folder:
        add_tiny_run(folder, model, max_completion_length=30_000, engine="vllm")
        make_tiny_adapter(model, get_adapter_dir(folder, "tiny"))
        yield folder


def ask(page: Page, question: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")


def test_stop_ends_the_stream_and_keeps_what_was_written_in_sight(
    page: Page, runs_dir: Path, serve: Callable[..., Any], wait_for_app: Callable[[Page], None]
) -> None:
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    page.goto(f"{url}/chat?run=tiny")
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_visible(timeout=PATIENCE)
    ask(page, "Hello")
    expect(page.get_by_text("tokens/s").first).to_be_visible(timeout=PATIENCE)
    answers = page.locator(".gen-live").filter(has_text=re.compile(r"\S"))
    expect(answers.first).to_be_visible(timeout=PATIENCE)
    begun = answers.first.inner_text()[:20]
    button(page, "Stop").click()
    expect(page.get_by_text(STOPPED)).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    expect(button(page, "Stop")).to_have_count(0)
    expect(page.locator(".gen")).to_have_count(0)
    assert any(text.startswith(begun) for text in answers.all_inner_texts())
    client = GenerationClient(runs_dir)
    await_truth(lambda: (status := client.status()) and not status.busy, "the model to be free")

    button(page, "Sampling").click()
    fill_number(page, "Longest answer, tokens", 40)
    page.keyboard.press("Escape")
    ask(page, "Hello again")
    expect(page.locator(".gen")).to_have_count(2, timeout=PATIENCE)
    wait_for_app(page)
    expect(button(page, "Stop")).to_have_count(0)
    expect(page.get_by_text(STOPPED)).to_have_count(0)
