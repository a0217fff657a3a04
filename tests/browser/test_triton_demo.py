"""The Triton demo in Chromium, for real: kernels are written, compiled, run, and get better.

From the Overview's button to three curves that rise and a flag rate that does not.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.jobs.launcher import stop, wait_for_end
from rft_core.paths import PROJECT_ROOT
from rft_core.store.index import open_index
from rft_core.store.runs import list_runs
from tests.browser.page_actions import button

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
PATIENCE = 420_000  # milliseconds for twenty steps; they take 80 s on two idle cores
VALIDATED = 20  # the step whose validation is waited for
CURVE = """title => {
    const panel = [...document.querySelectorAll('.rft-panel')]
        .find(panel => panel.getAttribute('aria-label') === title)
    const trace = panel?.querySelector('.rft-plotly')?.data?.find(t => t.name === 'validation')
    return trace ? [[...trace.x], [...trace.y]] : [[], []]
}"""


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    with open_index(tmp_path) as index:
        runs = list_runs(index)
    for run in runs:
        stop(tmp_path, run.id)
        wait_for_end(tmp_path, run.id, timeout=120)


def read_validation(page: Page, title: str) -> tuple[float, float]:
    """The base model's value, and that after `VALIDATED` steps."""
    steps, values = page.evaluate(CURVE, title)
    at = dict(zip(steps, values, strict=True))
    return at[0], at[VALIDATED]


def test_three_curves_rise_and_the_flag_rate_does_not(
    page: Page, runs_dir: Path, serve: Callable[..., Any]
) -> None:
    page.goto(serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url)
    button(page, "Start the Triton demo").click(timeout=60_000)
    expect(page.locator(".st-key-run-header")).to_contain_text("Step 1", timeout=PATIENCE)
    seen = f"title => ({CURVE})(title)[0].includes({VALIDATED})"
    page.wait_for_function(seen, arg="correctness", timeout=PATIENCE)
    for title in ("format", "compilation", "correctness"):
        base, tuned = read_validation(page, title)
        assert 0 < base < tuned <= 1, title
    base, tuned = read_validation(page, "correctness")
    assert tuned - base > 0.1
    base, tuned = read_validation(page, "Flagged share")
    assert 0 <= tuned <= base < 0.3 and base > 0
