"""The live chart, driven in Chromium inside a real Streamlit."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Response, Route, WebSocket, expect

from pages.components.charts.chart_feed import URL as CHARTS_URL

APP = Path(__file__).resolve().parent / "apps" / "app.py"
PANELS = 8
POINTS = 400
# A plot's data: first every curve's raw line, then every curve; so 2 is the smoothed train curve.
# A long one is thinned: how far it reaches says how many points there are.
LENGTH = "document.querySelectorAll('.rft-plotly')[0].data[2].x.at(-1)"

pytestmark = pytest.mark.browser
Waits = Callable[[Page], None]


@pytest.fixture(scope="module")
def chart_url(serve: Callable[..., Any]) -> str:
    return str(serve(APP, RFT_TEST_PAGE="chart_page.py").url)


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


def drag_over(page: Page, panel: int, width: int = 100) -> None:
    """Zoom with the mouse, along x."""
    box = page.locator(".rft-plotly").nth(panel).bounding_box()
    assert box
    page.mouse.move(box["x"] + 120, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 120 + width, box["y"] + 82, steps=6)
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


def answers_of_feed(page: Page) -> list[Response]:
    """Grows with every answer of the route that hands out points."""
    answers: list[Response] = []
    page.on("response", lambda r: answers.append(r) if CHARTS_URL in r.url else None)
    return answers


def sizes(answers: list[Response]) -> list[int]:
    return [int(answer.headers["content-length"]) for answer in answers]


def wholes(answers: list[Response]) -> int:
    """Questions of a browser that had drawn nothing of what it asked for."""
    return sum("counts" not in parse_qs(urlsplit(answer.url).query) for answer in answers)


def test_the_first_answer_is_small_and_a_tick_sends_less_than_20_kilobytes(
    page: Page, chart_url: str
) -> None:
    frames, answers = sizes_of_frames(page), answers_of_feed(page)
    open_chart(page, chart_url, points=5_000)
    assert 4 * 600 * PANELS < sizes(answers)[0] < 100_000
    wait_for_ticks(page, 2)
    before, drawn = len(answers), page.evaluate(LENGTH)
    frames.clear()
    wait_for_ticks(page, 4)
    ticks = page.evaluate(LENGTH) - drawn
    assert len(answers) > before
    assert (sum(frames) + sum(sizes(answers[before:]))) / ticks < 20_000
    assert wholes(answers) == 1


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


@pytest.mark.parametrize("slow", ["script", "route"])
def test_a_slow_answer_is_not_asked_for_twice(page: Page, chart_url: str, slow: str) -> None:
    answers = answers_of_feed(page)
    if slow == "route":
        page.route(f"**{CHARTS_URL}/**", answer_late)
    url = f"{chart_url}/?seconds=1.2" if slow == "script" else chart_url
    open_chart(page, url, points=5_000)
    toggle = page.get_by_text("Show chart")
    toggle.click()
    expect(page.locator(".rft-plotly")).to_have_count(0)
    answers.clear()
    toggle.click()
    page.wait_for_function(f"document.querySelector('.rft-plotly')?.data && {LENGTH} >= 5000")
    wait_for_ticks(page, 4 if slow == "script" else 2)
    assert wholes(answers) == 1 and len(answers) > 1


def answer_late(route: Route) -> None:
    answer = route.fetch()
    time.sleep(0.8)  # ticks come and go meanwhile
    route.fulfill(response=answer)


def test_a_chart_that_lost_its_server_for_a_while_goes_on_where_it_was(
    page: Page, chart_url: str
) -> None:
    answers = answers_of_feed(page)
    open_chart(page, chart_url)
    page.route(f"**{CHARTS_URL}/**", lambda route: route.abort())
    page.wait_for_event("requestfailed")
    page.unroute(f"**{CHARTS_URL}/**")
    wait_for_ticks(page, 4)
    steps = page.evaluate("document.querySelector('.rft-plotly').data[0].x")
    assert steps == list(range(1, len(steps) + 1))
    assert wholes(answers) == 1


def test_a_panel_below_the_fold_is_drawn_when_it_is_seen_and_grows_from_then_on(
    page: Page, chart_url: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 600})  # one panel below the other
    open_chart(page, chart_url)
    wait_for_ticks(page, 2)
    drawn = "[...document.querySelectorAll('.rft-plotly')].map(plot => !!plot.data)"
    assert page.evaluate(drawn)[0] and not any(page.evaluate(drawn)[4:])
    page.locator(".rft-panel").last.scroll_into_view_if_needed()
    last = "[...document.querySelectorAll('.rft-plotly')].at(-1)"
    page.wait_for_function(f"{last}.data?.[2].x.at(-1) >= {POINTS}")
    reached = page.evaluate(f"{last}.data[2].x.at(-1)")
    page.wait_for_function(f"{last}.data[2].x.at(-1) >= {reached + 2}")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert all(page.evaluate(drawn))


def test_who_zooms_into_a_thinned_curve_sees_all_its_points(page: Page, chart_url: str) -> None:
    open_chart(page, chart_url, points=5_000)
    shown = """() => {
      const plot = document.querySelector('.rft-plotly')
      const [low, high] = plot.layout.xaxis.range
      return [plot.data[2].x.filter(x => x >= low && x <= high).length, high - low]
    }"""
    points, width = page.evaluate(shown)
    assert points <= 600 < width
    drag_over(page, 1, width=20)
    page.wait_for_function(f"() => {{ const [n, w] = ({shown})(); return w < 600 && n >= w - 1 }}")
    zoomed = x_ranges(page)
    wait_for_ticks(page, 2)
    assert x_ranges(page) == zoomed


@pytest.mark.parametrize("points", [4_985, 5_000])
def test_the_points_of_a_validation_are_marked_until_they_are_many(
    page: Page, chart_url: str, points: int
) -> None:
    open_chart(page, chart_url, points)  # one of fifty is a validation's
    data = "document.querySelector('.rft-plotly').data"
    reached, drawn = page.evaluate(f"[{data}[2].x.at(-1), {data}[3].mode]")
    assert drawn == ("lines+markers" if reached < 5_000 else "lines")
    page.wait_for_function(f"{data}[3].mode === 'lines'")


def test_another_axis_brings_new_positions_and_keeps_hidden_curves(
    page: Page, chart_url: str
) -> None:
    open_chart(page, chart_url)
    page.get_by_role("button", name="train").click()
    page.get_by_text("tokens").click()
    page.wait_for_function("document.querySelector('.rft-plotly')?.data?.[2].x[9] === 5120")
    assert page.evaluate("document.querySelector('.rft-plotly').data[2].visible") is False


def test_what_was_hidden_and_zoomed_outlives_the_element_of_the_chart(
    page: Page, chart_url: str
) -> None:
    open_chart(page, chart_url)
    page.get_by_role("button", name="validation").click()
    drag_over(page, 0)
    zoomed = x_ranges(page)
    page.get_by_text("Show chart").click()
    expect(page.locator(".rft-plotly")).to_have_count(0)
    page.get_by_text("Show chart").click()
    page.wait_for_function(f"document.querySelector('.rft-plotly')?.data && {LENGTH} >= {POINTS}")
    wait_for_ticks(page, 2)
    assert x_ranges(page) == zoomed
    assert page.evaluate("document.querySelector('.rft-plotly').data[3].visible") is False
    expect(page.get_by_role("button", name="Reset zoom")).to_be_visible()


def test_a_click_on_the_legend_is_not_lost_to_a_redraw_under_it(page: Page, chart_url: str) -> None:
    open_chart(page, chart_url)
    legend = page.get_by_role("button", name="train")
    legend.evaluate("node => node.addEventListener('pointerdown', () => window.pressed = true)")
    legend.hover()
    page.mouse.down()
    assert page.evaluate("window.pressed"), "it has moved before it was pressed"
    page.get_by_text("tokens").evaluate("choice => choice.click()")
    page.wait_for_function("document.querySelector('.rft-plotly')?.data?.[2].x[9] === 5120")
    page.locator(".rft-chart").evaluate("chart => chart.style.marginTop = '200px'")
    page.mouse.up()
    expect(legend).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("document.querySelector('.rft-plotly').data[2].visible") is False


def test_an_empty_chart_says_what_it_waits_for(page: Page, chart_url: str) -> None:
    page.goto(f"{chart_url}/?points=0")
    expect(page.get_by_text("Waiting for the first step")).to_have_count(PANELS, timeout=30_000)


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
