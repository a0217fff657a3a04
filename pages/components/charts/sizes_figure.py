"""How an arm's share of right answers grows with what a block has more of: a line for each arm."""

from __future__ import annotations

import plotly.graph_objects as go

from pages.components.charts.pass_rate_figure import model_color
from rft_core.experiments.results import Findings

HEIGHT = 330


def sizes_figure(findings: Findings) -> go.Figure:
    """On a logarithmic axis, with 95% intervals. An arm is drawn where it has been measured."""
    figure = go.Figure()
    measured = [result for result in findings.blocks if result.is_measured]
    for place, first in enumerate(findings.blocks[0].arms):
        arms = [(result.block.size, result.get_arm(first.name)) for result in measured]
        points = [
            (size, mean, interval)
            for size, arm in arms
            if (mean := arm.get_mean()) is not None and (interval := arm.get_interval())
        ]
        figure.add_scatter(
            x=[size for size, _, _ in points], y=[mean for _, mean, _ in points], name=first.title,
            line={"color": model_color(place), "width": 2, "dash": "solid" if place else "dot"},
            marker={"size": 8}, mode="lines+markers", hovertemplate="%{y:.1%}",
            error_y={
                "type": "data", "array": [high - mean for _, mean, (_, high) in points],
                "arrayminus": [mean - low for _, mean, (low, _) in points], "thickness": 1.5,
            },
        )  # fmt: skip
    sizes = [result.block.size for result in measured]
    figure.update_xaxes(
        type="log", title=findings.experiment.size_name, tickvals=sizes,
        ticktext=[f"{size:,}" for size in sizes],
    )  # fmt: skip
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_layout(
        height=HEIGHT, margin={"l": 0, "r": 10, "t": 10, "b": 40}, hovermode="x unified",
        legend={"orientation": "h", "y": 1.15, "x": 0},
    )  # fmt: skip
    return figure
