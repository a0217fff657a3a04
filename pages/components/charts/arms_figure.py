"""The arms of a block, a line each: share of right answers with its interval, and every seed."""

from __future__ import annotations

import plotly.graph_objects as go

from pages.components.charts.pass_rate_figure import model_color
from rft_core.experiments.results import BlockResult

BASE_COLOR, TUNED_COLOR, CONTROL_COLOR = model_color(0), model_color(1), model_color(3)


def arms_figure(result: BlockResult) -> go.Figure:
    """The base on top, and its share as a dotted line; rings are single seeds."""
    figure = go.Figure()
    for arm in result.arms:
        mean, interval = arm.get_mean(), arm.get_interval()
        if mean is None or interval is None:
            continue
        color = TUNED_COLOR
        if arm is result.arms[0]:
            color = BASE_COLOR
            figure.add_vline(x=mean, line={"color": BASE_COLOR, "dash": "dot", "width": 1})
        elif arm.control_of:
            color = CONTROL_COLOR
        seeds = arm.seed_means
        figure.add_scatter(
            x=seeds, y=[arm.title] * len(seeds), mode="markers", showlegend=False,
            marker={"color": color, "symbol": "circle-open", "size": 7, "opacity": 0.6},
            hovertemplate="one seed: %{x:.1%}<extra></extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=[mean], y=[arm.title], mode="markers", showlegend=False,
            marker={"color": color, "size": 10},
            error_x={
                "type": "data", "array": [interval[1] - mean],
                "arrayminus": [mean - interval[0]], "thickness": 2,
            },
            hovertemplate=f"{arm.title}: %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(tickformat=".0%", title="right answers, 95% interval")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(
        height=110 + 38 * len(result.arms), margin={"l": 0, "r": 10, "t": 10, "b": 40}
    )
    return figure
