"""How many prompts were solved how often, with the bands that teach nothing in colour."""

import math

import plotly.graph_objects as go

from rft_core.diagnosis.preflight.prompts import PassRates

HARD_COLOR, BETWEEN_COLOR, EASY_COLOR = "#e05252", "#6d66f0", "#d99a1c"
BAND_OPACITY = 0.1


def pass_band_figure(rates: PassRates, group_size: int) -> go.Figure:
    """A bar per pass rate: never on the left, always on the right."""
    counts = rates.histogram(group_size)
    last = len(counts) - 1
    labels = ["never", *(f"{i / last:.0%}" for i in range(1, last)), "always"]
    figure = go.Figure(
        go.Bar(
            x=list(range(last + 1)),
            y=counts,
            width=0.72,
            marker_color=[HARD_COLOR, *[BETWEEN_COLOR] * (last - 1), EASY_COLOR],
            customdata=labels,
            hovertemplate="solved %{customdata}: %{y} prompts<extra></extra>",
        )
    )
    bands = [
        (-0.5, 0.5, HARD_COLOR, "left", f"too hard · {len(rates.too_hard)}"),
        (0.5, last - 0.5, BETWEEN_COLOR, "center", f"in between · {len(rates.between)}"),
        (last - 0.5, last + 0.5, EASY_COLOR, "right", f"too easy · {len(rates.too_easy)}"),
    ]
    for start, end, color, side, text in bands:
        figure.add_vrect(
            x0=start, x1=end, fillcolor=color, opacity=BAND_OPACITY, line_width=0, layer="below"
        )
        figure.add_annotation(
            x={"left": start, "right": end}.get(side, (start + end) / 2), xanchor=side,
            y=1.0, yref="paper", yanchor="bottom", text=text, showarrow=False,
            font={"color": color, "size": 12},
        )  # fmt: skip
    figure.update_xaxes(
        tickvals=list(range(last + 1)), ticktext=labels, range=[-0.5, last + 0.5],
        title="share of the completions that solve the prompt", showgrid=False,
    )  # fmt: skip
    figure.update_yaxes(title="prompts", rangemode="tozero", dtick=math.ceil(max(*counts, 1) / 4))
    figure.update_layout(height=250, margin={"l": 0, "r": 0, "t": 26, "b": 0}, bargap=0)
    return figure
