"""Experiments in Chromium: one is begun, seen at work, stopped, and still there after a reload."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.experiments.background import is_under_way
from rft_core.experiments.catalog import get_experiment
from rft_core.experiments.trials import list_trial_runs
from rft_core.jobs.launcher import stop, wait_for_end
from rft_core.paths import PROJECT_ROOT
from tests.browser.page_actions import button
from tests.runs_folder import await_truth, runs_folder

pytestmark = pytest.mark.browser
PATIENCE = 90_000  # milliseconds, for what starts a worker
QUICK = get_experiment("countdown-data", quick=True)


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    with runs_folder(tmp_path / "runs") as folder:
        yield folder.path


def test_an_experiment_is_begun_seen_at_work_and_stopped(
    page: Page, runs_dir: Path, serve: Callable[..., Any], wait_for_app: Callable[[Page], None]
) -> None:
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    page.goto(f"{url}/experiments?experiment=countdown-data")
    expect(page.get_by_text(QUICK.question)).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    page.locator("label", has=page.get_by_role("switch", name="Quick")).click()
    expect(page.get_by_text("Quick: everything is done once")).to_be_visible(timeout=PATIENCE)
    count = len(list_trial_runs(runs_dir, QUICK))
    expect(page.get_by_text(f"0 of {count} runs trained.")).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    button(page, "Run it").click()
    expect(button(page, "Stop")).to_be_visible(timeout=PATIENCE)
    first = list_trial_runs(runs_dir, QUICK)[0].trial
    await_truth(lambda: list_trial_runs(runs_dir, QUICK)[0].status, "its first run")
    expect(page.get_by_text(f"runs trained. {first.title}")).to_be_visible(timeout=PATIENCE)

    button(page, "Stop").click()
    await_truth(lambda: not is_under_way(runs_dir, QUICK), "its end")
    begun = list_trial_runs(runs_dir, QUICK)[0]
    stop(runs_dir, begun.run_id)
    assert wait_for_end(runs_dir, begun.run_id).state in ("stopped", "finished")
    page.reload()
    expect(page.get_by_text(QUICK.question)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(f"of {count} runs trained")).to_be_visible(timeout=PATIENCE)
    expect(button(page, "Stop")).to_have_count(0)
