"""pass@1 of every evaluated model with its 95% interval, on one scale."""

from collections.abc import Sequence

import plotly.graph_objects as go

from rft_core.evaluation.results import Evaluation

# The base, then one tuned model after the other; they tell apart on a light and a dark page.
MODEL_COLORS = ("#94a3b8", "#6d66f0", "#0d9488", "#d97706", "#db2777", "#0284c7", "#65a30d")


def model_color(place: int) -> str:
    """Of the model at that place; the base is at 0."""
    if place == 0:
        return MODEL_COLORS[0]
    return MODEL_COLORS[1 + (place - 1) % (len(MODEL_COLORS) - 1)]


def pass_rate_figure(evaluations: Sequence[Evaluation], labels: Sequence[str]) -> go.Figure:
    """One line per model, the base on top: a dot for the share, its length for the interval."""
    figure = go.Figure()
    for place, (evaluation, label) in enumerate(zip(evaluations, labels, strict=True)):
        share, (low, high), color = evaluation.pass_at_1, evaluation.ci, model_color(place)
        figure.add_scatter(
            x=[share], y=[label], mode="markers+text", marker={"color": color, "size": 13},
            text=[f"{share:.1%}"], textposition="top center", showlegend=False,
            error_x={
                "type": "data", "array": [high - share], "arrayminus": [share - low],
                "color": color, "thickness": 3, "width": 7,
            },
            hovertemplate=f"%{{y}}: %{{x:.1%}} ({low:.1%} to {high:.1%})<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(range=[0, 1], tickformat=".0%", title="pass@1 with 95% interval")
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=list(labels),
        range=[len(labels) - 0.5, -0.8],  # the base on top, with room for its number
    )
    figure.update_layout(height=100 + 52 * len(labels), margin={"l": 0, "r": 24, "t": 10, "b": 40})
    return figure
