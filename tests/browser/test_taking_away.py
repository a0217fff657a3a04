"""Export in Chromium and for real: from two pages, reloaded, by two people, and to a hub."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rft_core.jobs.exporting import cancel_export
from rft_core.paths import PROJECT_ROOT, get_adapter_dir, get_exports_dir
from rft_core.store.exports import get_export
from rft_core.store.run_writer import RunWriter
from tests.browser.page_actions import button
from tests.export.loopback_hub import OWNER, TOKEN, LoopbackHub, serve_loopback_hub
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run, await_truth, make_tiny_prompts

pytestmark = pytest.mark.browser
PATIENCE = 120_000  # milliseconds, for what loads a model in a process of its own
RUN = "tiny"


@pytest.fixture(scope="module")
def hub() -> Iterator[LoopbackHub]:
    with serve_loopback_hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("runs")
    model = make_tiny_model(tmp_path_factory.mktemp("model"))
    add_tiny_run(folder, model, RUN, prompts=make_tiny_prompts(5, 60), name="Tiny words")
    make_tiny_adapter(model, get_adapter_dir(folder, RUN))
    writer = RunWriter(folder, RUN)
    writer.start_attempt(from_step=0, pid=1)
    writer.end_attempt("finished", "")
    writer.close()
    yield folder
    cancel_export(folder, RUN)


@pytest.fixture(scope="module")
def url(runs_dir: Path, hub: LoopbackHub, serve: Callable[..., Any]) -> str:
    """The dashboard, whose environment has the hub's token."""
    served = serve(
        PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir), HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN,
        OMP_NUM_THREADS="1",
    )  # fmt: skip
    return str(served.url)


def test_a_merged_model_is_taken_away_from_overview_whatever_the_page_does(
    page: Page, url: str, runs_dir: Path, wait_for_app: Callable[[Page], None]
) -> None:
    page.goto(url)
    button(page, "Export").click(timeout=PATIENCE)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("The LoRA weights alone")).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    dialog.get_by_text("Merged model", exact=True).click()
    expect(dialog.get_by_text("It is read back")).to_be_visible()
    wait_for_app(page)
    dialog.get_by_role("button", name="Export", exact=True).dblclick()
    await_truth(lambda: get_export(runs_dir, RUN), "the export to begin")
    page.reload()  # what is under way is shown again, or what became of it
    working = dialog.get_by_text("goes on when this page is closed")
    done = dialog.get_by_text("Exported to")
    expect(working.or_(done).first).to_be_visible(timeout=PATIENCE)
    expect(done).to_be_visible(timeout=PATIENCE)
    expect(dialog.get_by_text("64 greedy answers")).to_be_visible()
    expect(dialog.get_by_test_id("stAlert")).to_have_count(1)  # the good news alone

    assert [path.name for path in get_exports_dir(runs_dir).iterdir()] == ["tiny-merged"]
    with page.expect_download() as started:
        dialog.get_by_role("button", name="Download", exact=True).click()
    with zipfile.ZipFile(started.value.path()) as archive:
        names = archive.namelist()
        assert "tiny-merged/model.safetensors" in names and "tiny-merged/Modelfile" in names
        assert archive.testzip() is None
    wait_for_app(page)
    dialog.get_by_text("Use it").click()
    expect(dialog.get_by_text("ollama create")).to_be_visible()
    expect(dialog.get_by_text("vllm serve")).to_be_visible()

    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(f"{url}/?export={RUN}")


def test_two_people_see_one_export_and_it_arrives_at_the_hub(
    page: Page, url: str, runs_dir: Path, hub: LoopbackHub, wait_for_app: Callable[[Page], None]
) -> None:
    page.goto(f"{url}/?export={RUN}")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Push it to the Hugging Face hub")).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    dialog.get_by_text("Push it to the Hugging Face hub").click()
    box = dialog.get_by_role("textbox", name="Repository")
    expect(box).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    box.fill("no owner")
    box.press("Enter")
    wait_for_app(page)
    dialog.get_by_role("button", name="Export", exact=True).click()
    expect(dialog.get_by_text("is no name for a model on the hub")).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    box.fill(f"{OWNER}/tiny")
    box.press("Enter")
    wait_for_app(page)
    dialog.get_by_role("button", name="Export", exact=True).click()

    other = page.context.new_page()
    other.goto(f"{url}/?export={RUN}")
    for one in (page, other):
        pushed = one.get_by_role("dialog").get_by_text(f"{hub.url}/{OWNER}/tiny")
        expect(pushed.first).to_be_visible(timeout=PATIENCE)
    assert "README.md" in hub.repositories[f"{OWNER}/tiny"] and len(hub.commits) == 1
    assert TOKEN not in page.content() and TOKEN not in other.content()


def test_evaluate_offers_the_same(
    page: Page, url: str, wait_for_app: Callable[[Page], None]
) -> None:
    page.goto(f"{url}/evaluate?run={RUN}")
    offer = page.get_by_role("button", name="Export Tiny words")
    expect(offer).to_be_visible(timeout=PATIENCE)
    wait_for_app(page)
    offer.click()
    expect(page.get_by_role("dialog").get_by_text("Take the model away")).to_be_visible(
        timeout=PATIENCE
    )
