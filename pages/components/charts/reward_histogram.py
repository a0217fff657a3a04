"""How rewards spread as a run goes on: a bar per window of steps, cut into what was earned."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from rft_core.store.summaries.reward_counts import StepWindow

MOST_VALUES = 8  # distinct rewards that have a bin each; more share as many bins
UNSCORED = "unscored"
COLORS = ("#d9485f", "#e8833a", "#e9b44c", "#b9c46a", "#7fb77e", "#4fa387", "#2f8f8a", "#2f6fde")
UNSCORED_COLOR = "#8a8f98"
HEIGHT = 300


@dataclass(frozen=True)
class RewardBin:
    """Rewards from `low` to `high`, both of them included; None: those without a reward."""

    low: float | None
    high: float | None

    @property
    def label(self) -> str:
        if self.low is None or self.high is None:
            return UNSCORED
        return f"{self.low:.3g}" if self.low == self.high else f"{self.low:.2f} to {self.high:.2f}"

    def holds(self, reward: float | None) -> bool:
        if self.low is None or self.high is None or reward is None:
            return self.low is None and reward is None
        return self.low <= reward <= self.high


@dataclass(frozen=True)
class ChosenBar:
    """What was clicked: so many completions of these steps with rewards in that bin."""

    window: StepWindow
    bin: RewardBin


def choose_bins(windows: Sequence[StepWindow]) -> list[RewardBin]:
    """Lowest first, the unscored last. Each lies beside the next and no reward is in two."""
    seen = Counter[float | None]()
    for window in windows:
        seen += window.rewards
    values = sorted(reward for reward in seen if reward is not None)
    if len(values) <= MOST_VALUES:
        bins = [RewardBin(value, value) for value in values]
    else:
        edges = np.linspace(values[0], values[-1], MOST_VALUES + 1).tolist()
        ends = [float(np.nextafter(edge, -np.inf)) for edge in edges[1:-1]]
        bins = [RewardBin(a, b) for a, b in zip(edges[:-1], [*ends, edges[-1]], strict=True)]
    return [*bins, *([RewardBin(None, None)] if None in seen else [])]


def histogram_figure(windows: Sequence[StepWindow], bins: Sequence[RewardBin]) -> go.Figure:
    """A trace per bin and a bar per window, in their orders: by these a click is understood."""
    labels = [name_window(window) for window in windows]
    figure = go.Figure()
    for place, bin in enumerate(bins):
        counts = [
            sum(count for reward, count in window.rewards.items() if bin.holds(reward))
            for window in windows
        ]
        totals = [max(1, window.rewards.total()) for window in windows]
        figure.add_bar(
            x=labels, y=[count / total for count, total in zip(counts, totals, strict=True)],
            customdata=counts, name=bin.label, marker_color=_color(place, bins),
            hovertemplate=f"{bin.label}: %{{y:.0%}} (%{{customdata}})<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        barmode="stack", bargap=0.06, height=HEIGHT, hovermode="closest", clickmode="event+select",
        margin={"l": 0, "r": 10, "t": 36, "b": 10}, dragmode=False,
        legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom", "traceorder": "normal"},
    )  # fmt: skip
    figure.update_yaxes(range=[0, 1], tickformat=".0%", fixedrange=True)
    figure.update_xaxes(title="Step", type="category", nticks=8, tickangle=0, fixedrange=True)
    return figure


def name_window(window: StepWindow) -> str:
    return f"{window.first}" if window.first == window.last else f"{window.first}–{window.last}"


def _color(place: int, bins: Sequence[RewardBin]) -> str:
    """From red for the least to blue for the most."""
    if bins[place].low is None:
        return UNSCORED_COLOR
    scored = sum(bin.low is not None for bin in bins)
    return COLORS[round(place * (len(COLORS) - 1) / max(1, scored - 1))]
