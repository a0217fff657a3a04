"""Monitor and Generations in Chromium: live curves, linked generations, keys, hostile texts."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from pages.components.static_routes import ASSETS_URL, NEEDED_SOON
from rft_core.paths import PROJECT_ROOT
from tests.browser.page_actions import FIRST_PLOT, x_range, zoom_in
from tests.sample_run import SampleRun, begin_run, write_finished_run

pytestmark = pytest.mark.browser
PATIENCE = 30_000  # milliseconds: other tests may keep both cores busy


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched")
    write_finished_run(folder, "finished")
    return folder


@pytest.fixture(scope="module")
def url(runs_dir: Path, serve: Callable[..., Any]) -> str:
    return str(serve(PROJECT_ROOT / "app.py", RFT_RUNS_DIR=str(runs_dir)).url)


@pytest.fixture
def live(runs_dir: Path, request: pytest.FixtureRequest) -> Iterator[SampleRun]:
    """A run that looks alive and grows when a test says so."""
    run = begin_run(runs_dir, f"live-{request.node.name[-20:].strip('_[]')}", max_steps=100)
    run.hold()
    run.train(10)
    yield run
    run.end("stopped")


def header(page: Page) -> Any:
    return page.locator(".st-key-run-header")


def points(page: Page) -> int:
    """Points of the training curve in the first panel."""
    return int(
        page.locator(FIRST_PLOT).evaluate("plot => Math.max(...plot.data.map(t => t.x.length))")
    )


def test_curves_and_generations_move_while_zoom_survives(
    page: Page, url: str, live: SampleRun
) -> None:
    page.goto(f"{url}/monitor?run={live.id}")
    expect(header(page)).to_contain_text("Step 10", timeout=PATIENCE)
    expect(page.get_by_text("train step 10")).to_be_visible(timeout=PATIENCE)
    zoom_in(page)
    expect(page.get_by_role("button", name="Reset zoom")).to_be_visible(timeout=PATIENCE)
    zoomed, before = x_range(page), points(page)
    for step in (11, 12, 13):
        live.train(1)
        expect(header(page)).to_contain_text(f"Step {step}", timeout=PATIENCE)
        expect(page.get_by_text(f"train step {step}")).to_be_visible(timeout=PATIENCE)
    page.wait_for_function(
        "n => Math.max(...document.querySelector('.rft-plotly').data.map(t => t.x.length)) > n",
        arg=before,
    )
    assert x_range(page) == zoomed


def test_what_the_charts_load_is_on_its_way_before_streamlit_speaks_and_comes_once(
    page: Page, url: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append("socket"))
    page.goto(f"{url}/monitor?run=finished")
    expect(page.locator(FIRST_PLOT).locator(".scatterlayer")).to_be_attached(timeout=PATIENCE)
    for name in NEEDED_SOON["/monitor"]:
        asset = f"{url}{ASSETS_URL}/{name}"
        assert asked.count(asset) == 1 and asked.index(asset) < asked.index("socket")


def test_a_tab_redraws_only_what_is_new_and_not_while_it_is_hidden(
    page: Page, url: str, live: SampleRun
) -> None:
    said: list[Any] = []

    def note(frame: Any) -> None:
        said.append(frame)

    page.on("websocket", lambda socket: socket.on("framesent", note))
    page.goto(f"{url}/monitor?run={live.id}")
    expect(page.get_by_text("train step 10")).to_be_visible(timeout=PATIENCE)
    for _ in range(2):  # the last redraws of the beginning may still be on their way
        page.wait_for_event("response", is_pulse, timeout=PATIENCE)
    said.clear()
    for _ in range(3):
        page.wait_for_event("response", is_pulse, timeout=PATIENCE)
    assert len(said) <= 1  # a beat may fall into it
    set_hidden(page, True)
    asked: list[Any] = []
    page.on("request", lambda request: asked.append(request) if is_pulse(request) else None)
    live.train(1)
    page.wait_for_timeout(2500)  # nothing is to happen: there is no event to wait for
    assert not asked and "Step 10" in header(page).inner_text()
    set_hidden(page, False)
    expect(header(page)).to_contain_text("Step 11", timeout=PATIENCE)


def test_a_clicked_link_is_given_its_way_before_any_redraw(
    page: Page, url: str, live: SampleRun
) -> None:
    """Streamlit goes to the page of the last request: a redraw must not follow the click."""
    page.goto(f"{url}/monitor?run={live.id}")
    link = page.get_by_role("link", name="All generations of this step")
    expect(link).to_be_visible(timeout=PATIENCE)
    page.evaluate("""() => document.body.addEventListener("click", event => {
        event.preventDefault()
        event.stopPropagation()  // as long as this holds, the click is on its way
    }, true)""")
    link.click()
    asked: list[Any] = []
    page.on("request", lambda request: asked.append(request) if is_pulse(request) else None)
    live.train(1)
    page.wait_for_timeout(2500)  # nothing is to happen: there is no event to wait for
    assert not asked and "Step 10" in header(page).inner_text()
    expect(header(page)).to_contain_text("Step 11", timeout=PATIENCE)  # the click was lost


def is_pulse(traffic: Any) -> bool:
    return "/rft-pulse" in traffic.url


def set_hidden(page: Page, hidden: bool) -> None:
    page.evaluate(
        "value => { Object.defineProperty(document, 'hidden', { value, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')) }",
        hidden,
    )


def test_polling_stops_when_the_run_has_ended(page: Page, url: str, runs_dir: Path) -> None:
    run = begin_run(runs_dir, "ends-soon")
    run.hold()
    run.train(2)
    page.goto(f"{url}/monitor?run=ends-soon")
    refresh = page.locator(".st-key-refresh").get_by_role("radio").first
    expect(refresh).to_be_enabled(timeout=PATIENCE)
    run.end("finished")
    expect(header(page)).to_contain_text("finished", timeout=PATIENCE)
    expect(refresh).to_be_disabled(timeout=PATIENCE)


def test_a_click_on_a_curve_leads_to_the_generations_of_that_step(page: Page, url: str) -> None:
    page.goto(f"{url}/monitor?run=finished&smoothing=0")
    plot = page.locator(FIRST_PLOT)
    expect(plot.locator(".scatterlayer")).to_be_attached(timeout=PATIENCE)
    page.wait_for_timeout(300)  # plotly has no event for "hover is ready"
    box = plot.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60, steps=3)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)
    head = page.locator(".st-key-strip-head")
    expect(head).to_contain_text("Clicked", timeout=PATIENCE)
    step = head.inner_text().split("step ")[1].split()[0]
    link = page.get_by_role("link", name="All generations of this step")
    expect(link).to_have_attribute("href", re.compile(rf"step={step}\b"), timeout=PATIENCE)
    link.click()
    expect(page.locator(".st-key-step input")).to_have_value(step, timeout=PATIENCE)
    assert f"step={step}" in page.url and "run=finished" in page.url
    expect(page.get_by_text(f"Step {step}", exact=True).first).to_be_visible(timeout=PATIENCE)


def test_j_and_k_move_and_a_reload_keeps_run_filters_and_place(page: Page, url: str) -> None:
    page.goto(f"{url}/generations?run=finished&split=train&flag=markup")
    expect(page.get_by_text("30 of", exact=False)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Next")).to_be_enabled(timeout=PATIENCE)
    for step in (29, 28):
        page.keyboard.press("j")
        expect(page.get_by_text(f"Step {step} · train")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("k")
    expect(page.get_by_text("Step 29 · train")).to_be_visible(timeout=PATIENCE)
    assert {"run=finished", "split=train", "flag=markup"} <= set(page.url.split("?")[1].split("&"))
    page.reload()
    expect(page.get_by_text("Step 29 · train")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("30 of", exact=False)).to_be_visible(timeout=PATIENCE)


@pytest.mark.parametrize("view", ["The group", "Same prompt across steps", "Word diff"])
def test_nothing_that_a_model_writes_runs_in_the_browser(page: Page, url: str, view: str) -> None:
    page.goto(f"{url}/generations?run=finished&flag=markup&split=train&view={view}")
    expect(page.get_by_text("30 of", exact=False)).to_be_visible(timeout=PATIENCE)
    page.evaluate("document.querySelectorAll('.gen details').forEach(d => { d.open = true })")
    body = page.locator(".gen-body").first
    expect(body).to_contain_text("<script>window.hacked=1</script>", timeout=PATIENCE)
    expect(body).to_contain_text("[a](javascript:alert(1))", timeout=PATIENCE)
    assert page.locator(".gen img, .gen script, .gen a").count() == 0
    assert page.evaluate("window.hacked") is None


def test_two_browsers_watch_one_run(browser: Browser, url: str, live: SampleRun) -> None:
    contexts = [browser.new_context(), browser.new_context(color_scheme="dark")]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.goto(f"{url}/monitor?run={live.id}")
        expect(header(page)).to_contain_text("Step 10", timeout=PATIENCE)
    live.train(5)
    for page in pages:
        expect(header(page)).to_contain_text("Step 15", timeout=PATIENCE)
    for context in contexts:
        context.close()


def test_a_live_run_announces_new_generations_and_moves_nothing(
    page: Page, url: str, live: SampleRun
) -> None:
    page.goto(f"{url}/generations?run={live.id}&split=train")
    expect(page.get_by_text("Step 10 · train")).to_be_visible(timeout=PATIENCE)
    live.train(1)
    announced = page.get_by_role("button", name="New generations have arrived")
    expect(announced).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Step 10 · train")).to_be_visible(timeout=PATIENCE)
    announced.click()
    expect(page.get_by_text("Step 11 · train")).to_be_visible(timeout=PATIENCE)


def test_the_download_holds_what_the_filters_let_through(page: Page, url: str) -> None:
    page.goto(f"{url}/generations?run=finished&split=train&step=4")
    page.get_by_role("button", name="Download").click(timeout=PATIENCE)
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON Lines").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 8 and all(json.loads(line)["step"] == 4 for line in lines)


def test_the_fork_dialog_names_a_setting_that_does_not_exist(page: Page, url: str) -> None:
    page.goto(f"{url}/monitor?run=finished")
    page.get_by_role("button", name="Fork").click(timeout=PATIENCE)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Other settings").fill("nonsense=1")
    dialog.get_by_role("textbox", name="Name").click()
    dialog.get_by_role("button", name="Start the fork").click()
    expect(dialog).to_contain_text("'nonsense' is not a setting", timeout=PATIENCE)
