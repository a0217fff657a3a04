"""Chat rows in Chromium: uploaded, mapped, saved, and trained on, turn by turn, for real.

The file is as verl writes its own: a list of messages that asks, the answer inside of an object.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.data import PromptSet
from rft_core.paths import PROJECT_ROOT
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.generations import get_prompts
from rft_core.store.index import open_index
from rft_core.store.run_reader import open_run
from rft_core.store.sets import get_set
from tests.browser.page_actions import button, choose, fill_number, upload
from tests.runs_folder import end_all_runs, read_runs
from tests.tiny_model import make_tiny_model

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
Waits = Callable[[Page], None]
SLOW = 120_000  # milliseconds, for what loads a model or trains one
SYSTEM = {"role": "system", "content": "Think first."}
ROWS = [
    {
        "prompt": [
            SYSTEM,
            {"role": "user", "content": "What are boxes?"},
            {"role": "assistant", "content": "They hold things."},
            {"role": "user", "content": f"How many are 2 boxes of {number}?"},
        ],
        "reward_model": {"style": "rule", "ground_truth": str(2 * number)},
    }
    for number in range(20, 60)
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("runs")
    yield folder
    end_all_runs(folder)
    GenerationClient(folder).stop()


def test_chat_rows_are_uploaded_mapped_saved_and_trained_on_as_turns(
    page: Page, runs_dir: Path, model: Path, serve: Callable[..., Any], wait_for_app: Waits
) -> None:
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    upload_and_save(page, url, wait_for_app)
    train(page, model, wait_for_app)
    check_what_was_asked(page, runs_dir, wait_for_app)


def upload_and_save(page: Page, url: str, wait_for_app: Waits) -> None:
    page.goto(f"{url}/prompts")
    upload(page, "verl.jsonl", ROWS)
    expect(page.get_by_text("40 rows and 2 columns")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("'prompt' holds chats")).to_be_visible()
    choose(page, "Task", "GSM8K")
    answer = page.get_by_role("combobox", name="answer ← column")
    expect(answer).to_have_value("reward_model.ground_truth", timeout=SLOW)
    question = page.get_by_role("combobox", name="question ← column")
    expect(question).to_have_value("messages")
    seen = page.get_by_text("They hold things.<|end|><|user|>How many are 2 boxes of 20?")
    expect(seen).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Nothing suspicious in these prompts.")).to_be_visible()
    wait_for_app(page)
    button(page, "Save prompt set").click()
    expect(page.get_by_text("Stored as verl")).to_be_visible(timeout=SLOW)


def train(page: Page, model: Path, wait_for_app: Waits) -> None:
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_role("combobox", name="task")).to_be_visible(timeout=SLOW)
    choose(page, "task", "GSM8K")
    choose(page, "prompt_set", "verl · 40 rows")
    box = page.get_by_role("combobox", name="model")
    box.fill(str(model))
    box.press("Enter")
    wait_for_app(page)
    page.get_by_role("tab", name="Generation").click()
    fill_number(page, "max_completion_length", 8)
    wait_for_app(page)
    page.get_by_role("tab", name="Schedule").click()
    for name, value in (("per_device_train_batch_size", 16), ("max_steps", 2)):
        fill_number(page, name, value)
        wait_for_app(page)
    expect(page.get_by_text("2 steps of 16 completions")).to_be_visible(timeout=SLOW)
    wait_for_app(page)
    button(page, "Launch").click()
    expect(page.locator(".st-key-run-header")).to_contain_text("finished", timeout=SLOW)


def check_what_was_asked(page: Page, runs_dir: Path, wait_for_app: Waits) -> None:
    """The run's stored prompts are the turns of the file; the page shows the last of them."""
    [run] = read_runs(runs_dir)
    with open_index(runs_dir) as index:
        stored = PromptSet.from_json(get_set(index, "prompts", run.config.prompt_set or "").content)
    with open_run(runs_dir, run.id) as db:
        ids = {row[0] for row in db.execute("SELECT id FROM prompts")}
        asked = [prompt.messages for prompt in get_prompts(db, ids).values()]
    assert asked and all(messages in stored.prompts() for messages in asked)
    for messages in asked:
        assert messages[:3] == ROWS[0]["prompt"][:3]
        assert messages[3]["content"].startswith("How many are 2 boxes of ")
    page.get_by_role("link", name="All generations of this step").click()
    expect(page.get_by_text("How many are 2 boxes of").first).to_be_visible(timeout=SLOW)
    wait_for_app(page)
    page.get_by_role("tab", name="Exact prompt").click()
    exact = page.get_by_text("<|system|>Think first.<|end|><|user|>What are boxes?<|end|>")
    expect(exact.first).to_be_visible(timeout=SLOW)
