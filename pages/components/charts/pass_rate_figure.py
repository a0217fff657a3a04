"""pass@1 of every evaluated model with its 95% interval, as horizontal bars."""

from collections.abc import Sequence

import plotly.graph_objects as go

from rft_core.evaluation.suite import Evaluation

BASE_COLOR, TUNED_COLOR = "#94a3b8", "#6d66f0"


def pass_rate_figure(evaluations: Sequence[Evaluation], labels: Sequence[str]) -> go.Figure:
    """One bar per model, the base on top; whiskers are the interval."""
    rates = [e.pass_at_1 for e in evaluations]
    figure = go.Figure(
        go.Bar(
            x=rates,
            y=list(labels),
            orientation="h",
            width=0.5,
            marker_color=[BASE_COLOR] + [TUNED_COLOR] * (len(rates) - 1),
            error_x={
                "type": "data",
                "array": [e.ci[1] - e.pass_at_1 for e in evaluations],
                "arrayminus": [e.pass_at_1 - e.ci[0] for e in evaluations],
                "thickness": 1.5,
            },
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", title="pass@1 with 95% interval")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(
        height=90 + 54 * len(rates), margin={"l": 0, "r": 10, "t": 10, "b": 40}, bargap=0.4
    )
    return figure
