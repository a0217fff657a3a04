"""The live chart and the code editor, driven in Chromium inside a real Streamlit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocket, expect

from pages.components.static_routes import ASSETS_URL

APP = Path(__file__).resolve().parent / "apps" / "app.py"
PANELS = 8
POINTS = 400
# A plot's data: first every curve's raw line, then every curve; so 2 is the smoothed train curve.
LENGTH = "document.querySelectorAll('.rft-plotly')[0].data[2].x.length"

pytestmark = pytest.mark.browser
Waits = Callable[[Page], None]


@pytest.fixture(scope="module")
def chart_url(serve: Callable[..., Any]) -> str:
    return str(serve(APP, RFT_TEST_PAGE="chart_page.py").url)


@pytest.fixture(scope="module")
def editor_url(serve: Callable[..., Any]) -> str:
    return str(serve(APP, RFT_TEST_PAGE="editor_page.py").url)


def open_chart(page: Page, url: str, points: int = POINTS) -> None:
    page.goto(f"{url}{'&' if '?' in url else '/?'}points={points}")
    expect(page.locator(".rft-plotly .main-svg").first).to_be_visible(timeout=30_000)
    page.wait_for_function(f"{LENGTH} >= {points}")


def wait_for_ticks(page: Page, ticks: int) -> None:
    before = page.evaluate(LENGTH)
    page.wait_for_function(f"{LENGTH} >= {before + ticks}", timeout=30_000)


def x_ranges(page: Page) -> list[list[float]]:
    return page.evaluate(
        "[...document.querySelectorAll('.rft-plotly')].map(p => p.layout.xaxis.range)"
    )


def drag_over(page: Page, panel: int) -> None:
    """Zoom with the mouse, along x."""
    box = page.locator(".rft-plotly").nth(panel).bounding_box()
    assert box
    page.mouse.move(box["x"] + 120, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 82, steps=6)
    page.mouse.up()


def test_a_zoom_with_the_mouse_reaches_all_panels_and_survives_three_ticks(
    page: Page, chart_url: str
) -> None:
    open_chart(page, chart_url)
    drag_over(page, 1)
    expect(page.get_by_role("button", name="Reset zoom")).to_be_visible()
    zoomed = x_ranges(page)
    assert zoomed == [zoomed[0]] * PANELS
    assert zoomed[0][1] - zoomed[0][0] < POINTS / 2
    wait_for_ticks(page, 3)
    assert x_ranges(page) == zoomed
    page.get_by_role("button", name="Reset zoom").click()
    page.wait_for_function(
        f"document.querySelectorAll('.rft-plotly')[7].layout.xaxis.range[1] >= {POINTS}"
    )


def test_a_constant_is_drawn_flat_with_its_gap_under_a_name_that_is_cut(
    page: Page, chart_url: str
) -> None:
    page.goto(f"{chart_url}/?points={POINTS}&flat=1")
    plots = page.locator(".rft-plotly")
    expect(plots.nth(PANELS + 1).locator(".main-svg").first).to_be_visible(timeout=30_000)
    ranges = page.evaluate(
        "[...document.querySelectorAll('.rft-plotly')].slice(-2)"
        ".map(plot => plot._fullLayout.yaxis.range)"
    )
    assert ranges[0] == pytest.approx([0.05, 0.15], abs=1e-6) and ranges[1] == [-1, 1]
    lines = plots.nth(PANELS).locator(".scatterlayer .trace").last.locator(".js-line")
    drawn = lines.evaluate_all("paths => paths.map(path => path.getAttribute('d')).join('')")
    assert drawn.count("M") == 2  # the pen is lifted once
    title, panel = (
        page.locator(name).nth(PANELS).bounding_box() for name in (".rft-panel-name", ".rft-panel")
    )
    assert title and panel and title["width"] < panel["width"]
    assert page.evaluate("document.body.scrollWidth <= window.innerWidth")


def test_a_curve_hidden_through_the_legend_stays_hidden_while_others_grow(
    page: Page, chart_url: str
) -> None:
    open_chart(page, chart_url)
    legend = page.get_by_role("button", name="validation")
    legend.click()
    wait_for_ticks(page, 3)
    visible = page.evaluate(
        "[...document.querySelectorAll('.rft-plotly')].map(p => p.data.map(d => d.visible))"
    )
    assert visible == [[True, False, True, False]] * PANELS
    expect(legend).to_have_attribute("aria-pressed", "false")


def test_hovering_one_panel_moves_the_cursor_in_all_of_them(page: Page, chart_url: str) -> None:
    open_chart(page, chart_url)
    box = page.locator(".rft-plotly").nth(0).bounding_box()
    assert box
    page.mouse.move(box["x"] + 180, box["y"] + 90)
    expect(page.locator(".rft-cursor:visible")).to_have_count(PANELS)
    wait_for_ticks(page, 2)
    expect(page.locator(".rft-cursor:visible")).to_have_count(PANELS)
    assert page.locator(".hoverlayer .legend").count() == 1, "the tooltip outlives the ticks"


def sizes_of_frames(page: Page) -> list[int]:
    """Grows with every message that the page is sent from now on."""
    frames: list[int] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(len(frame)))

    page.on("websocket", listen)
    return frames


def test_a_tick_sends_less_than_20_kilobytes(page: Page, chart_url: str) -> None:
    frames = sizes_of_frames(page)
    open_chart(page, chart_url, points=5_000)
    wait_for_ticks(page, 2)
    assert max(frames) > 8 * 5_000 * PANELS, "the first message holds every point"
    frames.clear()
    wait_for_ticks(page, 4)
    assert sum(frames) / 4 < 20_000


def test_a_click_on_a_point_arrives_in_python_with_its_step(page: Page, chart_url: str) -> None:
    open_chart(page, chart_url)
    at = page.evaluate(
        """() => {
          const plot = document.querySelectorAll('.rft-plotly')[2]
          const { xaxis, yaxis } = plot._fullLayout
          const box = plot.getBoundingClientRect()
          const curve = plot.data[3]
          const i = curve.x.indexOf(200)
          return [box.left + xaxis._offset + xaxis.d2p(200),
                  box.top + yaxis._offset + yaxis.d2p(curve.y[i])]
        }"""
    )
    page.mouse.move(*at)
    label = page.locator(".rft-plotly").nth(2).locator(".hoverlayer text").first
    expect(label).to_be_attached(timeout=30_000)  # plotly takes a click for what it hovers over
    page.mouse.click(*at)
    expect(page.get_by_text("clicked: total validation 200")).to_be_visible(timeout=30_000)


def test_a_chart_that_was_left_and_opened_again_gets_all_points(
    page: Page, chart_url: str, wait_for_app: Waits
) -> None:
    open_chart(page, chart_url)
    toggle = page.get_by_text("Show chart")
    toggle.click()
    expect(page.locator(".rft-plotly")).to_have_count(0)
    toggle.click()
    page.wait_for_function(f"document.querySelector('.rft-plotly')?.data && {LENGTH} >= {POINTS}")
    wait_for_app(page)


def test_a_slow_answer_is_not_asked_for_twice(page: Page, chart_url: str) -> None:
    frames = sizes_of_frames(page)
    open_chart(page, f"{chart_url}/?seconds=1.2", points=5_000)
    toggle = page.get_by_text("Show chart")
    toggle.click()
    expect(page.locator(".rft-plotly")).to_have_count(0)
    frames.clear()
    toggle.click()
    page.wait_for_function(f"document.querySelector('.rft-plotly')?.data && {LENGTH} >= 5000")
    wait_for_ticks(page, 4)
    # Once; or twice, where a busy browser has passed the answer over for the tick behind it.
    assert 1 <= sum(size > 100_000 for size in frames) <= 2


def test_another_axis_brings_new_positions_and_keeps_hidden_curves(
    page: Page, chart_url: str
) -> None:
    open_chart(page, chart_url)
    page.get_by_role("button", name="train").click()
    page.get_by_text("tokens").click()
    page.wait_for_function("document.querySelector('.rft-plotly')?.data?.[2].x[9] === 5120")
    assert page.evaluate("document.querySelector('.rft-plotly').data[2].visible") is False


def test_an_empty_chart_says_what_it_waits_for(page: Page, chart_url: str) -> None:
    page.goto(f"{chart_url}/?points=0")
    expect(page.get_by_text("Waiting for the first step")).to_have_count(PANELS, timeout=30_000)


def test_the_smoothed_curve_is_a_bias_corrected_moving_average(page: Page, chart_url: str) -> None:
    page.goto(chart_url)
    values = page.evaluate(
        """async url => {
          const { Smoother } = await import(url + '/live_chart_series.js')
          const smoother = new Smoother(0.5)
          smoother.extend({ y: [1, 3], index: [0, 1], length: 2 })
          smoother.extend({ y: [1, 3, null, 7], index: [0, 1, 2, 3], length: 4 })
          return smoother.values
        }""",
        ASSETS_URL,
    )
    # Weights 0.5, 0.25 of the newest and the one before, divided by their sum; the gap of one
    # unmeasured point counts as distance: 7 weighs 0.75 of what is left after decay 0.25.
    second = (0.5 * 3 + 0.25 * 1) / 0.75
    fourth = (0.25 * 0.75 * second + 0.75 * 7) / (0.25 * 0.75 + 0.75)
    assert values == pytest.approx([1, second, None, fourth])


def test_the_figure_in_the_header_is_what_was_measured_last_not_the_smoothed_line(
    page: Page, chart_url: str
) -> None:
    open_chart(page, chart_url)
    found = page.wait_for_function(  # until a step that the line does not go through by chance
        """() => {
          const value = document.querySelector('.rft-value')
          const { y, customdata } = document.querySelector('.rft-plotly').data[2]
          const [raw, smoothed] = [customdata.at(-1), y.at(-1)]
          const apart = Math.abs(smoothed - raw) > 0.01 * Math.abs(raw)
          return apart && [Number(value.textContent), value.title, raw]
        }"""
    )
    shown, title, raw = found.json_value()
    assert shown == pytest.approx(raw, rel=2e-3)
    assert title.startswith("train, as measured; the line smooths it to")


def test_the_chart_follows_a_change_of_theme_and_keeps_the_zoom(page: Page, chart_url: str) -> None:
    page.emulate_media(color_scheme="light")
    open_chart(page, chart_url)
    drag_over(page, 0)
    zoomed = x_ranges(page)
    color = "document.querySelector('.rft-plotly').layout.hoverlabel.bgcolor"
    light = page.evaluate(color)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{color} !== {light!r}")
    assert x_ranges(page) == zoomed


def editor_of(page: Page) -> Any:
    return page.get_by_role("textbox", name="Reward source")


def test_typed_text_arrives_in_python_and_ctrl_enter_runs_it(page: Page, editor_url: str) -> None:
    page.goto(editor_url)
    editor = editor_of(page)
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("def reward(completions):\nreturn 1")
    expect(page.get_by_test_id("stCode")).to_contain_text("return 1")
    page.keyboard.type("2")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("runs: 1")).to_be_visible()
    expect(page.get_by_test_id("stCode")).to_contain_text("    return 12")
    expect(editor).to_be_focused()


def test_tab_indents_and_one_letter_shortcuts_of_streamlit_stay_out(
    page: Page, editor_url: str
) -> None:
    page.goto(editor_url)
    editor_of(page).click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    page.keyboard.type("rc = 1")
    expect(page.get_by_test_id("stCode")).to_contain_text("rc = 1")
    assert editor_of(page).inner_text() == "    rc = 1"


def test_a_syntax_error_and_the_pages_own_remarks_are_marked_on_their_lines(
    page: Page, editor_url: str
) -> None:
    page.goto(editor_url)
    editor_of(page).click()
    page.keyboard.press("Control+End")
    page.keyboard.type("x = = 1")
    expect(page.locator(".cm-lint-marker-error")).to_be_visible()
    expect(page.locator(".cm-lintRange-error")).to_have_text("x = = 1")
    expect(page.locator(".cm-lintRange-warning")).to_contain_text("def reward")


def test_another_value_replaces_the_text_and_leaving_keeps_the_draft(
    page: Page, editor_url: str
) -> None:
    page.goto(editor_url)
    editor = editor_of(page)
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("# mine")
    page.get_by_text("Show editor").click()
    expect(editor).to_have_count(0)
    page.get_by_text("Show editor").click()
    expect(editor).to_contain_text("# mine")
    page.get_by_text("Second version").click()
    expect(editor).to_have_text("# another version")
    expect(page.get_by_test_id("stCode")).to_have_text("# another version")


def test_the_editor_follows_a_change_of_theme(page: Page, editor_url: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(editor_url)
    expect(editor_of(page)).to_be_visible(timeout=30_000)
    background = "getComputedStyle(document.querySelector('.cm-editor')).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{background} !== {light!r}")
