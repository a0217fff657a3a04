"""From rankings to a policy in Chromium: rate, pairs, a reward model, RLHF, and a comparison.

The model writes eight letters, a or b, at random; whoever rates it likes the letter a. Four
rankings later it writes little else. All of it is sampled, judged and trained for real.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from rft_core.evaluation.records import open_record
from rft_core.jobs.reward_models import with_own_reward_model
from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.index import open_index
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.sets import ensure_set
from tests.browser.page_actions import button, choose, fill_number
from tests.browser.test_ranking import await_ballot, await_judgements, type_keys
from tests.runs_folder import end_all_runs, read_runs
from tests.sampling.processes import service_folder
from tests.tiny_model import make_two_letter_model
from tests.tiny_run import add_tiny_run, live_in_process, make_tiny_prompts

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SLOW = 120_000  # milliseconds, for what loads a model or trains one
FEW_B = RewardEntry("few_b", "regex", 1.0, {"pattern": "^[^b]*(b[^b]*){0,2}$"})
RULES = RewardSet((FEW_B,), "rules")
TASTE = with_own_reward_model(RULES)  # the rule watches, what was ranked pays
ITEMS = 4  # rankings of four answers
JUDGE_STEPS, PPO_STEPS = 20, 40


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_two_letter_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def runs_dir(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run whose answers are rated."""
    with service_folder(tmp_path_factory.mktemp("runs")) as folder:
        prompts = make_tiny_prompts(64, 24)
        add_tiny_run(
            folder, model, "tiny", rewards=RULES, prompts=prompts, max_completion_length=12,
            max_steps=1,
        )  # fmt: skip
        assert live_in_process(folder, "tiny").outcome == "finished"
        with open_index(folder) as index:
            ensure_set(index, "rewards", id=TASTE.id, name="taste", content=TASTE.to_json())
        yield folder
        end_all_runs(folder)


def test_rankings_become_a_reward_model_and_that_a_policy(
    page: Page, runs_dir: Path, serve: Callable[..., Any], wait_for_app: Callable[[Page], None]
) -> None:
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    rank_answers(page, url, runs_dir)
    make_pairs(page, wait_for_app)
    train_a_reward_model(page, wait_for_app)
    train_the_policy(page, wait_for_app)
    check_that_it_writes_what_was_liked(page, runs_dir)
    compare_with_the_base(page, runs_dir, wait_for_app)


def rank_answers(page: Page, url: str, runs_dir: Path) -> None:
    page.goto(f"{url}/chat?run=tiny&view=Rate")
    button(page, "Rating").click(timeout=SLOW)
    page.get_by_role("radio", name="4", exact=True).click()
    page.keyboard.press("Escape")
    button(page, "Start rating").click()
    item = ""
    for count in range(1, ITEMS + 1):
        item = await_ballot(page, item)
        type_keys(page, rank_by_taste(page.locator(".gen .gen-body")))
        await_judgements(runs_dir, count)


def rank_by_taste(answers: Locator) -> str:
    """The keys that place them, the one with most letters a first; the last is placed by itself."""
    liked = [text.count("a") for text in answers.all_inner_texts()]
    order = sorted(range(len(liked)), key=lambda at: -liked[at])
    return "".join(str(at + 1) for at in order[:-1])


def make_pairs(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    page.get_by_role("radio", name="Preferences").click()
    button(page, "Make a pair set").click(timeout=SLOW)
    expect(page.get_by_text("to train on,")).to_be_visible(timeout=SLOW)
    wait_for_app(page)
    button(page, "Reward model").click()


def train_a_reward_model(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    """Train is filled in with the pairs, and with what the rated run was trained on."""
    pairs = page.get_by_role("combobox", name="pair_set")
    expect(pairs).to_have_value(re.compile(r"Judgements · \d+ pairs"), timeout=SLOW)
    expect(page.get_by_role("combobox", name="method")).to_have_value("Reward model")
    expect(page.get_by_role("combobox", name="prompt_set")).to_have_value("tiny · 88 rows")
    set_rate(page, "0.01")
    page.get_by_role("tab", name="Schedule").click()
    fill_number(page, "max_steps", 20)
    expect(page.get_by_text("20 steps of 16 judgements")).to_be_visible(timeout=SLOW)
    wait_for_app(page)
    button(page, "Launch").click()
    expect(page.locator(".st-key-run-header")).to_contain_text("finished", timeout=SLOW)
    expect(page.get_by_role("region", name="Pairs in order")).to_be_visible()
    expect(page.get_by_text("A reward model writes nothing")).to_be_visible()
    expect(page.get_by_role("region", name="Total reward")).to_have_count(0)
    wait_for_app(page)


def train_the_policy(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    page.get_by_role("link", name="Train").click()
    button(page, "RLHF: a reward model, then PPO").click(timeout=SLOW)
    choose(page, "reward_set", "taste v1")
    fill_number(page, "Steps of stage 1", JUDGE_STEPS)
    fill_number(page, "Steps of stage 2", PPO_STEPS)
    settings = page.get_by_role("textbox", name="Settings of stage 2")
    suited = "num_iterations=2 beta=0.01 reward_model_observed_steps=10"
    expect(settings).to_have_value(suited, timeout=SLOW)
    settings.fill("num_iterations=2 beta=0.01 value_learning_rate=0.01")  # ten times it is too much
    settings.press("Enter")
    expect(page.get_by_text(f"then {PPO_STEPS} steps of 64 completions")).to_be_visible(
        timeout=SLOW
    )
    wait_for_app(page)
    button(page, "Launch").click()
    expect(page.locator(".st-key-run-header")).to_contain_text("finished", timeout=SLOW)
    wait_for_app(page)


def set_rate(page: Page, rate: str) -> None:
    page.get_by_role("tab", name="Policy update").click()
    box = page.get_by_role("textbox", name="learning_rate")
    box.fill(rate)
    box.press("Enter")


def check_that_it_writes_what_was_liked(page: Page, runs_dir: Path) -> None:
    """By the rule, which is not paid; and the page shows what was sampled last."""
    with open_run(runs_dir, read_runs(runs_dir)[0].id) as db:
        frame = metrics_frame(db)
    train = frame[frame["split"] == "train"].pivot(index="step", columns="name", values="value")
    for name, rise in (("rewards/few_b/mean", 0.5), ("rewards/reward_model/mean", 0.2)):
        values = train[name].dropna()
        assert values.iloc[-5:].mean() > values.iloc[:2].mean() + rise, name
    expect(page.locator(".gen").first).to_contain_text("aaa")


def compare_with_the_base(page: Page, runs_dir: Path, wait_for_app: Callable[[Page], None]) -> None:
    tuned, judge, _ = read_runs(runs_dir)
    page.get_by_role("link", name="Evaluate").click()
    expect(page.get_by_text(f"custom · {tuned.id[-9:]}").first).to_be_visible(timeout=SLOW)
    wait_for_app(page)
    choose(page, "Best of k by", f"custom · {judge.id[-9:]}")
    wait_for_app(page)
    button(page, "Evaluate").click()
    expect(page.get_by_text("against base")).to_contain_text("more than chance", timeout=SLOW)
    expect(page.get_by_text(f"best of k by {judge.id} is right")).to_be_visible(timeout=SLOW)
    base, policy = open_record(runs_dir, 1).main.evaluations
    assert policy.pass_at_1 > base.pass_at_1 + 0.5
