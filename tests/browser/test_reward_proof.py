"""A reward is proven before it is trained on, in Chromium and for real.

A grader comes in as OpenAI's JSON, is edited, dry-run on completions of the embedded model,
attacked by the probes, saved, and tried on a run of the past, beside whose curve it is drawn.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.jobs.rescoring import cancel_rescores
from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import RewardSet
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.index import open_index
from rft_core.store.sets import get_set, list_sets
from tests.browser.page_actions import button, choose
from tests.sample_run import write_finished_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE = 60_000  # milliseconds, for what loads a model or starts a process
RUN = "countdown-1"
GRADER = {
    "type": "multi",
    "name": "answer",
    "graders": {
        "tagged": {
            "type": "string_check", "name": "tagged", "input": "{{ sample.output_text }}",
            "reference": "</answer>", "operation": "like", "pass_threshold": 1,
        },
        "numbers": {
            "type": "python", "name": "numbers", "source": "import re\n\n\n"
            "def grade(sample, item):\n"
            "    used = re.findall(r'\\d+', sample['output_text'].split('<answer>')[-1])\n"
            "    return len({str(n) for n in item['nums']} & set(used)) / len(item['nums'])\n",
        },
    },
    "calculate_output": "0.5 * tagged + 0.5 * numbers",
}  # fmt: skip
LEGEND = "document.querySelectorAll('.rft-legend').length"


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("proof")
    write_finished_run(folder, RUN, steps=20)
    yield folder
    GenerationClient(folder).stop()
    cancel_rescores(folder, RUN)


def test_from_openais_json_to_a_reward_that_is_proven_and_tried_on_a_past_run(
    page: Page, runs_dir: Path, serve: Callable[..., Any], wait_for_app: Callable[[Page], None]
) -> None:
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    page.goto(f"{url}/rewards")
    import_the_grader(page)
    edit_it(page, wait_for_app)
    dry_run_it(page, wait_for_app)
    attack_it(page, wait_for_app)
    save_it(page, runs_dir, wait_for_app)
    take_it_away(page, wait_for_app)
    try_it_on_a_past_run(page, url)


def import_the_grader(page: Page) -> None:
    """First one with a mistake, which is named by its path and changes nothing."""
    page.get_by_role("button", name="Import").click()
    page.get_by_label("Or paste it").fill(json.dumps({**GRADER, "calculate_output": "oops"}))
    button(page, "Import what is pasted").click()
    expect(page.get_by_text("calculate_output names 'oops'")).to_be_visible(timeout=PATIENCE)
    file: Any = {"name": "answer.json", "mimeType": "application/json",
                 "buffer": json.dumps(GRADER).encode()}  # fmt: skip
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("'graders.tagged.pass_threshold' was left out")).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.locator(".cm-content")).to_contain_text("def grade(sample, item)")
    expect(page.get_by_role("textbox", name="expression")).to_have_value(
        "0.5 * tagged + 0.5 * numbers"
    )


def edit_it(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    """Another formula, ranked among the completions of the same prompt."""
    formula = page.get_by_role("textbox", name="expression")
    formula.fill("0.25 * tagged + 0.75 * numbers")
    formula.press("Enter")
    wait_for_app(page)
    page.get_by_role("button", name="How it counts").last.click()
    choose(page, "4 · Within the group of its prompt", "by rank: worst 0, best 1")
    expect(page.get_by_text("in its group by rank")).to_be_visible()
    page.keyboard.press("Escape")
    wait_for_app(page)


def dry_run_it(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    button(page, "Run the dry run").click()
    expect(page.get_by_text("What the first training step will record")).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.get_by_text("Training can").first).to_be_visible()
    expect(page.locator(".gen-grid .gen")).to_have_count(8, timeout=PATIENCE)
    wait_for_app(page)


def attack_it(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    """It asks for tags and numbers and for no right answer: that pays for cheats."""
    button(page, "Run the probes").click()
    expect(page.get_by_text("probes pay").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Training can find:")).to_be_visible()
    wait_for_app(page)


def save_it(page: Page, runs_dir: Path, wait_for_app: Callable[[Page], None]) -> None:
    button(page, "Save as a new version").click()
    expect(page.get_by_text("Stored as answer, version 1")).to_be_visible(timeout=PATIENCE)
    with open_index(runs_dir) as index:
        stored = next(row for row in list_sets(index, "rewards") if row["name"] == "answer")
        rewards = RewardSet.from_json(get_set(index, "rewards", stored["id"]).content)
    assert rewards.names == ("tagged", "numbers", "answer")
    assert rewards.weights == (0.0, 0.0, 1.0)
    assert rewards.entries[2].shaping == {"in_group": "rank"}
    wait_for_app(page)


def take_it_away(page: Page, wait_for_app: Callable[[Page], None]) -> None:
    """What neither format can say is said; without it both files are offered."""
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("a formula's result cannot be gated or compared")).to_be_visible()
    expect(button(page, "OpenAI JSON")).to_be_disabled()
    expect(button(page, "Python (TRL)")).to_be_disabled()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="How it counts").last.click()
    choose(page, "4 · Within the group of its prompt", "as it is")
    page.keyboard.press("Escape")
    wait_for_app(page)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        button(page, "OpenAI JSON").click()
    taken = json.loads(Path(download.value.path()).read_text())
    assert taken["calculate_output"] == "0.25 * tagged + 0.75 * numbers"
    assert taken["graders"]["numbers"] == GRADER["graders"]["numbers"]
    page.keyboard.press("Escape")
    button(page, "Save as a new version").click()
    expect(page.get_by_text("Stored as answer, version 2")).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)


def try_it_on_a_past_run(page: Page, url: str) -> None:
    """A real process scores the run again; the page that is opened anew still has its curve."""
    page.get_by_role("button", name="What would this have given on a past run?").click()
    button(page, "Re-score").click()
    expect(page.get_by_text("training completions change sides")).to_be_visible(timeout=PATIENCE)
    assert f"run={RUN}" in page.url and "rescore=rw-" in page.url
    page.wait_for_function(f"{LEGEND} === 4", timeout=PATIENCE)
    expect(page.locator(".rft-panel-title", has_text="numbers")).to_be_visible()
    page.reload()
    expect(page.get_by_text("training completions change sides")).to_be_visible(timeout=PATIENCE)
    page.wait_for_function(f"{LEGEND} === 4", timeout=PATIENCE)
    page.locator(".rft-panel-title", has_text="numbers").scroll_into_view_if_needed()
    plots = "[...document.querySelectorAll('.rft-plotly')]"
    dashes = f"{plots}.flatMap(plot => (plot.data ?? []).map(trace => trace.line.dash))"
    for dash in ("solid", "5px,3px"):
        page.wait_for_function(f"{dashes}.includes('{dash}')", timeout=PATIENCE)
    button(page, "Hide").click()
    page.wait_for_function(f"{LEGEND} === 2", timeout=PATIENCE)
