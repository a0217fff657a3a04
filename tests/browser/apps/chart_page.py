"""Eight panels that start with ?points=N points each, and one more in each at every tick."""

import time

import numpy as np
import streamlit as st

from pages.components.charts.chart_message import Mark, Panel, Trace
from pages.components.charts.live_chart import live_chart

PANELS = ("format", "equation", "total", "kl", "entropy", "length", "clipped", "zero variance")

st.set_page_config(layout="wide")
smoothing = st.slider("Smoothing", 0.0, 0.99, 0.9)
x_axis = st.segmented_control("Axis", ["step", "tokens"], default="step") or "step"
shown = st.toggle("Show chart", value=True)
seconds = float(st.query_params.get("seconds", 0))  # that a tick takes on a busy machine
points = int(st.query_params.get("points", 400))


def panel(title: str, number: int, count: int) -> Panel:
    step = np.arange(1, count + 1)
    noise = np.random.default_rng(number).normal(0, 0.05, points + 10_000)[:count]
    train = 0.1 + 0.8 * step / (step + 400 * (number + 1)) + noise
    validation = slice(49, None, 50)
    x = {"step": step, "tokens": step * 512.0}
    sparse = {axis: values[validation] for axis, values in x.items()}
    return Panel(
        title,
        [Trace("train", x, train), Trace("validation", sparse, train[validation], "validation")],
        help=f"What {title} means, in one sentence.",
    )


def constant_panel(value: float, count: int) -> Panel:
    """A curve that does not move, with a gap, under a name that is much too long."""
    y = np.full(count, value)
    y[points // 2] = np.nan
    return Panel("constant" * 600, [Trace("train", {"step": np.arange(1, count + 1)}, y)])


@st.fragment(run_every=0.5)
def monitor() -> None:
    time.sleep(seconds)
    st.session_state.ticks = st.session_state.get("ticks", -1) + 1
    count = points + st.session_state.ticks if points else 0
    panels = [panel(title, number, count) for number, title in enumerate(PANELS)]
    marks = [Mark(step, f"step {step}") for step in (100, 300) if step < count]
    click = live_chart("curves", panels, x_axis=x_axis, smoothing=smoothing, marks=marks)
    if st.query_params.get("flat"):
        live_chart("constants", [constant_panel(value, count) for value in (0.1, 0.0)])
    if click:
        st.session_state.click = f"{click.panel} {click.trace} {click.step}"
    st.text(f"clicked: {st.session_state.get('click')}")


if shown:
    monitor()
