"""A grid of small charts that grows in place: zoom, hover and hidden curves survive each tick.

Call `live_chart` from inside a fragment with all points of all curves; the browser gets those that
it has not drawn. Hovering one panel moves the cursor in all of them, zooming along x zooms all of
them, and a click returns the step that was clicked.

Reading the points is the page's work, handing them out is `chart_feed.py`'s, deciding what to send
is `chart_message.py`'s, drawing is `frontend/live_chart*.js`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components.charts.chart_feed import ChartFeed
from pages.components.charts.chart_message import (
    Mark,
    Panel,
    join_marks,
    list_traces,
    mark_positions,
    positions,
)
from pages.components.static_routes import component_shim

AXIS_TITLES = {"step": "Step", "time": "Minutes", "tokens": "Tokens"}

# Not isolated in a shadow root: plotly.js puts its style sheet into the document.
_mount = st.components.v2.component(
    "rft_live_chart", js=component_shim("live_chart.js"), isolate_styles=False
)


@dataclass(frozen=True)
class ChartClick:
    """The point a user clicked: the panel's title, the curve's name and the step."""

    panel: str
    trace: str
    step: int


def live_chart(
    key: str,
    panels: Sequence[Panel],
    *,
    x_axis: str = "step",
    x_title: str | None = None,
    smoothing: float = 0.0,
    log_y: bool = False,
    marks: Sequence[Mark] = (),
    height: int = 190,
    waiting: str = "Waiting for the first step",
) -> ChartClick | None:
    """Draw the panels, and return the point clicked since the last run, if any.

    `x_axis` is a key of every trace's `x`; `smoothing` (0 to 0.99) is the weight of the past in
    an exponential moving average, drawn over the faint raw curve; `log_y` applies to the panels
    that hold a positive value; `height` is each plot's, in pixels; `waiting` is what an empty
    panel says. `key` must be unique on the page. Raises `ValueError` for an axis that a curve has
    not.
    """
    for trace in list_traces(panels):
        positions(trace, x_axis)  # what is wrong with it is said here, not to the browser
    feed: ChartFeed = st.session_state.setdefault(f"{key}_feed", ChartFeed())
    view = {
        "axis": x_axis,
        "xTitle": x_title if x_title is not None else AXIS_TITLES.get(x_axis, x_axis),
        "smoothing": min(max(smoothing, 0.0), 0.99),
        "logY": log_y,
        "marks": mark_positions(join_marks(marks), panels, x_axis),
        "height": height,
        "waiting": waiting,
    }
    result = _mount(
        key=key,
        data={"url": feed.url, "number": feed.publish(panels).number, "view": view},
        on_click_change=lambda: None,
    )
    click = result.click
    return ChartClick(click["panel"], click["trace"], int(click["step"])) if click else None
