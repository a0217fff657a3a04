"""One measure of several groups of runs, a line each; of several seeds the mean in its band."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.components.charts.pass_rate_figure import model_color
from pages.components.charts.smoothing import smooth
from pages.components.charts.thinning import thin
from rft_core.evaluation.comparison.overlay import Band
from rft_core.figures import Array

MOST_POINTS = 400  # of a line: its panel has no more pixels
BAND_OPACITY = 0.18
CONSTANT = 1e-6  # a smaller change, beside the value itself, is rounding


def group_color(place: int) -> str:
    """Of the group at that place; the base's grey is left to the base."""
    return model_color(place + 1)


def overlay_figure(
    bands: Sequence[tuple[str, Band | None]], axis: str, *, smoothing: float = 0.0
) -> go.Figure:
    """`bands`: title and curve of each group, in the order of their colours; None: not measured.

    `axis` is a position of `Band`: step, minutes or tokens.
    """
    figure = go.Figure()
    for place, (title, band) in enumerate(bands):
        if band is not None:
            lines = [smooth(line, smoothing) for line in (band.mean, band.low, band.high)]
            _add_band(figure, title, getattr(band, axis), lines, group_color(place))
    figure.update_layout(
        height=190, margin={"l": 0, "r": 6, "t": 6, "b": 0}, showlegend=False, hovermode="x",
    )  # fmt: skip
    figure.update_yaxes(range=_find_range([band for _, band in bands if band]))
    return figure


def _find_range(bands: Sequence[Band]) -> tuple[float, float] | None:
    """None: as plotly chooses. Of what never changes, room above and below: rounding is no news."""
    known = [line[np.isfinite(line)] for band in bands for line in (band.low, band.high)]
    values = np.concatenate(known) if known else np.array([])
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    if high - low > CONSTANT * max(1.0, abs(high)):
        return None
    return low - max(0.1, abs(low) / 10), high + max(0.1, abs(high) / 10)


def _add_band(
    figure: go.Figure, title: str, positions: Array, lines: Sequence[Array], color: str
) -> None:
    mean, low, high = lines
    at = thin(mean, MOST_POINTS)
    x = positions[at]
    if (high > low).any():
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_scatter(x=x, y=high[at], **edge)
        figure.add_scatter(
            x=x, y=low[at], fill="tonexty", fillcolor=_fade(color, BAND_OPACITY), **edge
        )
    few = len(at) <= 30
    figure.add_scatter(
        x=x, y=mean[at], mode="lines+markers" if few else "lines", name=title,
        line={"color": color, "width": 2}, marker={"color": color, "size": 5},
        hovertemplate="%{y:.3f}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _fade(color: str, opacity: float) -> str:
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
