"""Rating in Chromium: four answers ranked by number keys, undone, and seen again as pairs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.data import PairSet
from rft_core.paths import PROJECT_ROOT, get_adapter_dir
from rft_core.store.index import open_index
from rft_core.store.preferences import Judgement, list_judgements
from rft_core.store.sets import get_set, list_sets
from tests.browser.page_actions import button
from tests.sampling.processes import service_folder
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run, await_truth

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds, for what loads a model


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    model = make_tiny_model(tmp_path_factory.mktemp("model"))
    with service_folder(tmp_path_factory.mktemp("runs")) as folder:
        add_tiny_run(folder, model, max_completion_length=12)
        make_tiny_adapter(model, get_adapter_dir(folder, "tiny"))
        yield folder


def read_judgements(runs_dir: Path) -> list[Judgement]:
    with open_index(runs_dir) as index:
        return list_judgements(index)


def await_judgements(runs_dir: Path, count: int) -> list[Judgement]:
    await_truth(lambda: len(read_judgements(runs_dir)) == count, f"{count} judgements")
    return read_judgements(runs_dir)


def await_ballot(page: Page, after: str = "", count: int = 4) -> str:
    """Another item than the one before: its answers have no place, its keys are heard. Its name."""
    ballot = page.locator(f'[data-ballot]:not([data-ballot="{after}"])')
    expect(ballot).to_be_attached(timeout=PATIENCE)
    expect(page.get_by_text("no place yet")).to_have_count(count, timeout=PATIENCE)
    return str(ballot.get_attribute("data-ballot"))


def type_keys(page: Page, keys: str) -> None:
    """As fast as they can be typed."""
    for key in keys:
        page.keyboard.press(key)


def test_four_answers_are_ranked_by_keys_undone_and_become_pairs(
    page: Page, runs_dir: Path, serve: Callable[..., Any], wait_for_app: Callable[[Page], None]
) -> None:
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    page.goto(f"{url}/chat?run=tiny&view=Rate")
    button(page, "Rating").click(timeout=PATIENCE)
    page.get_by_role("radio", name="4", exact=True).click()
    page.keyboard.press("Escape")
    button(page, "Start rating").click()
    item = await_ballot(page)
    assert page.locator(".gen", has_text="finished").count() == 0  # blind

    type_keys(page, "314")  # what is typed at once is heard in this order; the last has one place
    [first] = await_judgements(runs_dir, 1)
    assert first.verdict == "C > A > D > B"
    assert len(set(first.shown.answers)) == 4
    expect(page.locator(".gen-verdict")).to_contain_text("finished")  # now they have names
    item = await_ballot(page, item)

    type_keys(page, "u")
    await_judgements(runs_dir, 0)
    item = await_ballot(page, item)
    type_keys(page, "2")
    expect(page.locator(".gen-place", has_text="1st")).to_have_count(1)
    type_keys(page, "u3e")
    [again] = await_judgements(runs_dir, 1)
    assert again.verdict == "C > A = B = D" and again.rest_equal
    assert again.shown == first.shown
    await_ballot(page, item)
    type_keys(page, "s")
    await_judgements(runs_dir, 2)

    page.goto(f"{url}/chat?run=tiny&view=Preferences")
    made_of = page.get_by_text("3 pairs of 2 judgements; 3 ties and 1 skipped")
    expect(made_of).to_be_visible(timeout=PATIENCE)
    button(page, "Make a pair set").click()
    expect(page.get_by_text("3 to train on, 0 held out")).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    with open_index(runs_dir) as index:
        [row] = list_sets(index, "pairs")
        made = PairSet.from_json(get_set(index, "pairs", row["id"]).content)
    texts = [answer.text for answer in first.shown.answers]
    assert {pair.chosen for pair in made.pairs} == {texts[2]}
    assert sorted(pair.rejected for pair in made.pairs) == sorted(texts[:2] + texts[3:])


def test_keys_that_are_typed_into_a_field_judge_nothing(
    page: Page, runs_dir: Path, serve: Callable[..., Any], wait_for_app: Callable[[Page], None]
) -> None:
    url = serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url
    before = len(read_judgements(runs_dir))
    page.goto(f"{url}/chat?run=tiny&view=Rate")
    button(page, "Go on").or_(button(page, "Start rating")).click(timeout=PATIENCE)
    await_ballot(page, count=2)
    button(page, "Sampling").click()
    seed = page.get_by_role("spinbutton", name="Longest answer, tokens")
    seed.press("1")
    seed.press("2")
    wait_for_app(page)
    expect(page.get_by_text("no place yet")).to_have_count(2)
    assert len(read_judgements(runs_dir)) == before
