"""A flat reward in Chromium: what the Monitor says of it, what the chooser advises, and the cure.

The tiny model never answers a word of English, so GRPO has nothing to tell apart. A few steps of
SFT make some tries right; from there the reward rises. All of it is trained for real.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from rft_core.config import RECIPES
from rft_core.data import PromptTemplate, Split, make_prompt_set
from rft_core.jobs import store_prompt_set
from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.index import open_index
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.sets import ensure_set
from tests.browser.page_actions import button, choose, fill_number
from tests.runs_folder import end_all_runs, read_runs
from tests.tiny_model import make_tiny_model

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SLOW = 120_000  # milliseconds, for what loads a model or trains one
RIGHT = RewardEntry("right", "exact_match", 1.0, {"extraction": "whole"})
SFT_STEPS, GRPO_STEPS = 20, 40


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Prompts with their answers, and the check of an answer, as Prompts and Rewards store them."""
    folder = tmp_path_factory.mktemp("runs")
    rows = [
        {"question": f"Is {n} odd or even?", "answer": "odd" if n % 2 else "even"}
        for n in range(10, 154)
    ]
    split = Split(tuple(range(96)), tuple(range(96, 144)), seed=0)
    template = PromptTemplate(system="", user="{{ question }}")
    prompts = make_prompt_set(rows, name="parity", template=template, split=split)
    rewards = RewardSet((RIGHT,), "exact")
    with open_index(folder) as index:
        store_prompt_set(index, prompts)
        ensure_set(index, "rewards", id=rewards.id, name="exact", content=rewards.to_json())
    yield folder
    end_all_runs(folder)


def read_rewards(runs_dir: Path, run_id: str) -> dict[str, pd.Series]:
    """By split, the mean reward of every measured step."""
    with open_run(runs_dir, run_id) as db:
        frame = metrics_frame(db)
    rewards = frame[frame["name"] == "reward"]
    return {split: part.set_index("step")["value"] for split, part in rewards.groupby("split")}


def test_a_flat_reward_leads_to_the_advice_to_a_warm_up_and_to_a_reward_that_rises(
    page: Page, runs_dir: Path, model: Path, serve: Callable[..., Any],
    wait_for_app: Callable[[Page], None],
) -> None:  # fmt: skip
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    page.goto(f"{url}/train")
    expect(page.get_by_role("combobox", name="task")).to_be_visible(timeout=SLOW)
    choose_what_to_train_on(page, model, wait_for_app)
    train_in_vain(page, runs_dir, wait_for_app)
    ask_the_chooser(page, wait_for_app)
    warm_up_and_train(page, runs_dir, wait_for_app)


def choose_what_to_train_on(page: Page, model: Path, wait_for_app: Callable[[Page], None]) -> None:
    choose(page, "task", "Custom")
    choose(page, "prompt_set", "parity · 144 rows")
    choose(page, "reward_set", "exact v1")
    box = page.get_by_role("combobox", name="model")
    box.fill(str(model))
    box.press("Enter")
    wait_for_app(page)
    page.get_by_role("tab", name="Generation").click()
    fill_number(page, "max_completion_length", 8)
    page.get_by_role("tab", name="Policy update").click()
    rate = page.get_by_role("textbox", name="learning_rate")
    rate.fill("3e-3")
    rate.press("Enter")
    wait_for_app(page)


def train_in_vain(page: Page, runs_dir: Path, wait_for_app: Callable[[Page], None]) -> None:
    page.get_by_role("tab", name="Schedule").click()
    fill_number(page, "max_steps", 10)
    expect(page.get_by_text("10 steps of 64 completions")).to_be_visible(timeout=SLOW)
    wait_for_app(page)
    button(page, "Launch").click()
    header = page.locator(".st-key-run-header")
    expect(header).to_contain_text("finished", timeout=SLOW)
    expect(page.get_by_text("all completions got the same reward (mean 0.00)")).to_be_visible()
    expect(page.get_by_text(RECIPES["sft_grpo"])).to_be_visible()  # the cure, and where it is
    [flat] = read_runs(runs_dir)
    assert not read_rewards(runs_dir, flat.id)["train"].any()


def ask_the_chooser(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    page.get_by_role("link", name="Overview").click()
    page.get_by_text("SFT or RFT? Which method fits").click(timeout=SLOW)
    page.get_by_role("radio", name="never").click()
    page.get_by_role("radio", name="about 100").click()
    advice = page.locator(".st-key-advice")
    expect(advice).to_contain_text("A warm-up by imitation, then GRPO", timeout=SLOW)
    wait_for_app(page)
    button(page, "Set it up on Train").click()


def warm_up_and_train(page: Page, runs_dir: Path, wait_for_app: Callable[[Page], None]) -> None:
    expect(page.get_by_text("Set gold_column")).to_be_visible(timeout=SLOW)
    page.get_by_role("tab", name="Prompts and rewards").click()
    column = page.get_by_role("textbox", name="gold_column")
    column.fill("answer")
    column.press("Enter")
    fill_number(page, "Steps of stage 1", SFT_STEPS)
    fill_number(page, "Steps of stage 2", GRPO_STEPS)
    expect(page.get_by_text("20 steps of 64 examples, then 40 steps")).to_be_visible(timeout=SLOW)
    wait_for_app(page)
    button(page, "Launch").click()
    expect(page.locator(".st-key-run-header")).to_contain_text("finished", timeout=SLOW)
    wait_for_app(page)
    rewards = read_rewards(runs_dir, read_runs(runs_dir)[0].id)
    train, validation = rewards["train"], rewards["validation"]
    assert validation[0] == 0 < validation[SFT_STEPS] < validation[SFT_STEPS + GRPO_STEPS]
    assert train.iloc[-8:].mean() > train.iloc[:8].mean() + 0.1
    panel = page.get_by_role("region", name="Total reward")
    expect(panel).to_contain_text(f"{validation.iloc[-1]:.3g}")
