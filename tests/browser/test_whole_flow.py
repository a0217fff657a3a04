"""The promise of the product, in Chromium and for real: from a file of prompts to a tuned answer.

Nothing is stood in for: the embedded model is sampled, the reward is typed into the editor, GRPO
trains in a worker process, and the same run is watched, read, stopped and talked to.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.jobs.launcher import stop, wait_for_end
from rft_core.paths import PROJECT_ROOT
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.index import open_index
from rft_core.store.runs import list_runs
from rft_core.tasks import get_task
from tests.browser.page_actions import (
    button,
    choose,
    fill_number,
    type_source,
    upload,
    x_range,
    zoom_in,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SLOW = 120_000  # milliseconds, for what loads a model or waits for a step
REWARD = """\
def closed(completions, **columns):
    return [float("</answer>" in text) for text in completions]
"""


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("flow")
    yield folder
    GenerationClient(folder).stop()
    with open_index(folder) as index:
        runs = list_runs(index)
    for run in runs:
        stop(folder, run.id)
        wait_for_end(folder, run.id, timeout=60)


def test_from_a_file_of_prompts_to_an_answer_of_the_tuned_model(
    page: Page, runs_dir: Path, serve: Callable[..., Any], wait_for_app: Callable[[Page], None]
) -> None:
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    upload_prompts(page, url)
    write_and_prove_a_reward(page, wait_for_app)
    launch(page, wait_for_app)
    watch_the_curves(page)
    read_a_generation(page)
    stop_the_run(page, url, runs_dir)
    chat(page, url)


def upload_prompts(page: Page, url: str) -> None:
    rows, _ = get_task("countdown").load(40, 0, seed=3)
    page.goto(f"{url}/prompts")
    upload(page, "mine.jsonl", [{"numbers": r["nums"], "goal": r["target"]} for r in rows])
    expect(page.get_by_text("40 rows and 2 columns")).to_be_visible(timeout=SLOW)
    choose(page, "Task", "Countdown")
    button(page, "Save prompt set").click(timeout=SLOW)
    button(page, "Next: rewards").click()


def write_and_prove_a_reward(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    button(page, "Write one in Python").click()
    expect(page.get_by_text("Functions found")).to_be_visible(timeout=SLOW)
    type_source(page, REWARD)
    expect(page.get_by_role("spinbutton", name="closed")).to_be_visible()
    page.locator(".cm-content").press("Control+Enter")
    expect(page.locator(".gen-grid .gen").first).to_contain_text("closed", timeout=SLOW)
    wait_for_app(page)
    button(page, "Save as a new version").click()
    button(page, "Next: train with these rewards").click()


def launch(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    prompts = page.get_by_role("combobox", name="prompt_set")
    expect(prompts).to_have_value("mine · 40 rows", timeout=SLOW)
    page.get_by_role("tab", name="Schedule").click()
    for name, value in (("per_device_train_batch_size", 16), ("max_steps", 500), ("save_steps", 2)):
        fill_number(page, name, value)
        wait_for_app(page)
    expect(page.get_by_text("500 steps of 16 completions")).to_be_visible()
    button(page, "Launch").dblclick()


def watch_the_curves(page: Page) -> None:
    """The zoom is set on a live chart and has to survive three further steps."""
    header = page.locator(".st-key-run-header")
    expect(header).to_contain_text("Step 3", timeout=SLOW)
    zoom_in(page)
    expect(button(page, "Reset zoom")).to_be_visible()
    zoomed = x_range(page)
    points = (
        "document.querySelector('.rft-plotly').data.reduce((n, t) => Math.max(n, t.x.length), 0)"
    )
    for _ in range(3):
        before = page.evaluate(points)
        page.wait_for_function(f"n => {points} > n", arg=before, timeout=SLOW)
    assert x_range(page) == zoomed


def read_a_generation(page: Page) -> None:
    page.get_by_role("link", name="All generations of this step").click()
    expect(page.locator(".gen-why").first).to_contain_text("closed", timeout=SLOW)
    expect(page.get_by_text("8 completions, mean reward")).to_be_visible()


def stop_the_run(page: Page, url: str, runs_dir: Path) -> None:
    with open_index(runs_dir) as index:
        (run,) = list_runs(index)  # the double click launched one
    page.goto(f"{url}/monitor?run={run.id}")
    button(page, "Stop").click(timeout=SLOW)
    expect(page.locator(".st-key-run-header")).to_contain_text("stopped", timeout=SLOW)


def chat(page: Page, url: str) -> None:
    page.goto(f"{url}/chat")
    page.get_by_role("button", name="15, 74, 9 → 50").click(timeout=SLOW)
    answers = page.locator(".gen")
    expect(answers).to_have_count(2, timeout=SLOW)
    expect(answers.first).to_contain_text("base")
    expect(answers.last).to_contain_text("step ")
    expect(answers.last.locator(".gen-why")).to_contain_text("closed")
