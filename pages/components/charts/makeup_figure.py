"""What the total reward is made of: weight times mean of each function, stacked."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from pages.components.charts.pass_rate_figure import model_color
from rft_core.figures import Curves

HEIGHT = 300
FEW_POINTS = 25  # a line of one point is invisible
MOST_COLUMNS = 150  # means over as many stretches of the steps


def makeup_figure(curves: Curves, weights: Mapping[str, float]) -> go.Figure | None:
    """What is subtracted is stacked below zero. None where no paid function was measured."""
    figure = go.Figure()
    paid = [name for name, weight in weights.items() if weight]
    for place, name in enumerate(paid):
        curve = curves.get(f"rewards/{name}/mean")
        if curve is None:
            continue
        pieces = min(MOST_COLUMNS, len(curve.step))
        steps = [piece[-1] for piece in np.array_split(curve.step, pieces)]
        parts = [
            weights[name] * (piece[np.isfinite(piece)].mean() if np.isfinite(piece).any() else 0.0)
            for piece in np.array_split(curve.value, pieces)
        ]
        figure.add_scatter(
            x=steps, y=parts, name=f"{weights[name]:g} × {name}",
            mode="lines" if pieces > FEW_POINTS else "lines+markers",
            stackgroup="paid" if weights[name] > 0 else "subtracted",
            line={"width": 0.5, "color": model_color(place)},
            hovertemplate="%{y:.3f}",
        )  # fmt: skip
    if not figure.data:
        return None
    figure.update_layout(
        height=HEIGHT, margin={"l": 0, "r": 10, "t": 36, "b": 10}, hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom"},
    )  # fmt: skip
    figure.update_xaxes(title="Step")
    return figure
