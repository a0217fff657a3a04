"""A flat reward in Chromium: said and explained at step 1, and rescued by a way out it offers.

The tiny model never answers a word of English, so GRPO has nothing to tell apart. A few steps of
SFT make some tries right; from there the reward rises. All of it is trained for real.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from rft_core.data import PromptTemplate, Split, make_prompt_set
from rft_core.jobs.pinning import store_prompt_set
from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.index import open_index
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.sets import ensure_set
from tests.browser.page_actions import button, choose, fill_number
from tests.runs_folder import end_all_runs, read_runs
from tests.tiny_model import make_tiny_model

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]
SLOW = 120_000  # milliseconds, for what loads a model
TRAINED = 400_000  # for what trains one: others may need the machine, too
RIGHT = RewardEntry("right", "exact_match", 1.0, {"extraction": "whole"})
SFT_STEPS, GRPO_STEPS = 20, 40
FLAT = "0 of 192 completions earned anything: with 97% confidence fewer than 1.9% would"


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


def test_a_flat_reward_is_explained_at_step_1_and_rises_after_the_way_out_that_is_offered(
    page: Page, runs_dir: Path, model: Path, serve: Callable[..., Any],
    wait_for_app: Callable[[Page], None],
) -> None:  # fmt: skip
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    page.goto(f"{url}/train")
    expect(page.get_by_role("combobox", name="task")).to_be_visible(timeout=SLOW)
    choose_what_to_train_on(page, model, wait_for_app)
    train_one_step_in_vain(page, runs_dir, wait_for_app)
    hear_the_same_from_the_command_line(page, runs_dir)
    look_at_the_other_ways_out(page, wait_for_app)
    warm_up_and_train(page, runs_dir, wait_for_app)


def test_the_chooser_sets_up_a_warm_up_where_the_base_is_never_right(
    page: Page, runs_dir: Path, serve: Callable[..., Any], wait_for_app: Callable[[Page], None]
) -> None:
    page.goto(serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url)
    page.get_by_text("SFT or RFT? Which method fits").click(timeout=SLOW)
    page.get_by_role("radio", name="never").click()
    page.get_by_role("radio", name="about 100").click()
    advice = page.locator(".st-key-advice")
    expect(advice).to_contain_text("A warm-up by imitation, then GRPO", timeout=SLOW)
    wait_for_app(page)
    button(page, "Set it up on Train").click()
    expect(page.get_by_role("spinbutton", name="Steps of stage 2")).to_be_visible(timeout=SLOW)


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


def train_one_step_in_vain(
    page: Page, runs_dir: Path, wait_for_app: Callable[[Page], None]
) -> None:
    """4 x 8 completions of the preflight, 48 validated twice, and 64 of the step: none is right."""
    page.get_by_role("tab", name="Schedule").click()
    fill_number(page, "max_steps", 1)
    expect(page.get_by_text("1 steps of 64 completions")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("checkbox", name="Preflight before step 1")).to_be_checked()
    wait_for_app(page)
    button(page, "Launch").click()
    expect(page.locator(".st-key-run-header")).to_contain_text("finished", timeout=TRAINED)
    expect(page.get_by_test_id("stAlert").get_by_text(FLAT)).to_be_visible()
    preflight = page.locator(".st-key-preflight")
    expect(preflight).to_contain_text("4 prompts x 8 completions before step 1")
    wait_for_app(page)
    button(page, "What it found").click()
    expect(page.get_by_text("In every group all rewards are equal")).to_be_visible()
    page.keyboard.press("Escape")
    [flat] = read_runs(runs_dir)
    assert not read_rewards(runs_dir, flat.id)["train"].any()


def hear_the_same_from_the_command_line(page: Page, runs_dir: Path) -> None:
    [flat] = read_runs(runs_dir)
    shown = subprocess.run(
        [sys.executable, "-m", "rft_core", "show", flat.id],
        cwd=PROJECT_ROOT, env={**os.environ, "RFT_RUNS_DIR": str(runs_dir)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert FLAT in shown
    ways = page.locator("[class*=st-key-way-out-]")
    expect(ways).to_have_count(5)
    for way in ways.all():
        title, what = way.locator("p").all_inner_texts()
        assert f"{title}: {what}" in shown


def look_at_the_other_ways_out(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    """Each opens its page with this run's prompts, rewards and model, and nothing is lost by it."""
    wait_for_app(page)
    button(page, "Keep easier prompts").click()
    count = page.get_by_role("spinbutton", name="Number of prompts")
    expect(count).to_have_value("64", timeout=SLOW)
    expect(page.get_by_role("combobox", name="Prompts")).to_have_value("parity · 144 rows")
    wait_for_app(page)
    page.go_back()
    expect(page.get_by_test_id("stAlert").get_by_text(FLAT)).to_be_visible(timeout=SLOW)
    wait_for_app(page)
    button(page, "An example in the prompt").click()
    template = page.get_by_role("textbox", name="User message")
    expect(template).to_have_value(re.compile("Here is an example, with its answer"), timeout=SLOW)
    wait_for_app(page)
    page.go_back()
    expect(page.get_by_test_id("stAlert").get_by_text(FLAT)).to_be_visible(timeout=SLOW)


def warm_up_and_train(page: Page, runs_dir: Path, wait_for_app: Callable[[Page], None]) -> None:
    wait_for_app(page)
    button(page, "SFT warm-up first").click()
    expect(page.get_by_role("spinbutton", name="Steps of stage 2")).to_be_visible(timeout=SLOW)
    fill_number(page, "Steps of stage 1", SFT_STEPS)
    fill_number(page, "Steps of stage 2", GRPO_STEPS)
    expect(page.get_by_text("20 steps of 64 examples, then 40 steps")).to_be_visible(timeout=SLOW)
    wait_for_app(page)
    button(page, "Launch").click()
    expect(page.locator(".st-key-run-header")).to_contain_text("finished", timeout=TRAINED)
    wait_for_app(page)
    run, _ = read_runs(runs_dir)
    assert run.config.gold_column == "answer"  # found without being told
    rewards = read_rewards(runs_dir, run.id)
    train, validation = rewards["train"], rewards["validation"]
    assert validation[0] == 0 < validation[SFT_STEPS] < validation[SFT_STEPS + GRPO_STEPS]
    assert train.iloc[-8:].mean() > train.iloc[:8].mean() + 0.1
    panel = page.get_by_role("region", name="Total reward")
    expect(panel).to_contain_text(f"{validation.iloc[-1]:.3g}")
    expect(page.get_by_test_id("stAlert").get_by_text("completions earned anything")).to_have_count(
        0
    )  # it is not accused
