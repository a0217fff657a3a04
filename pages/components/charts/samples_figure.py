"""What k samples are worth as k grows: pass@k, the vote and the best by a score, with bands."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.components.charts.pass_rate_figure import model_color
from rft_core.evaluation.results import PASS, VOTE, Estimate, Evaluation, Measure

TITLES = {
    PASS: "pass@k: any of k is right",
    VOTE: "maj@k: the vote of k is right",
}
HEIGHT = 310
BAND_OPACITY = 0.16


def samples_figure(
    evaluations: Sequence[Evaluation], labels: Sequence[str], rerank: str | None
) -> go.Figure:
    """A panel per measure on one scale, a line per model with its 95% band.

    All begin at pass@1, which is what a random pick of the k is worth, whatever k.
    """
    names = [measure.name for measure in max((e.measures for e in evaluations), key=len)]
    titles = [TITLES.get(name, f"best of k by {rerank} is right") for name in names]
    figure = make_subplots(1, len(names), shared_yaxes=True, subplot_titles=titles,
                           horizontal_spacing=0.03)  # fmt: skip
    for place, (evaluation, label) in enumerate(zip(evaluations, labels, strict=True)):
        for measure in evaluation.measures:
            column, color = names.index(measure.name) + 1, model_color(place)
            line, band = _draw(measure, label, color)
            line.showlegend = column == 1
            line.legendgroup = band.legendgroup = label
            figure.add_trace(band, 1, column)
            figure.add_trace(line, 1, column)
    k = evaluations[0].k
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_xaxes(
        title="k", range=[1 - 0.02 * k, k + 0.02 * k], tickmode="linear" if k <= 12 else "auto"
    )
    figure.update_layout(
        height=HEIGHT, margin={"l": 0, "r": 10, "t": 64, "b": 10}, hovermode="x unified",
        legend={"orientation": "h", "y": 1.3, "x": 0, "yanchor": "top"},
    )  # fmt: skip
    figure.update_annotations(font_size=13)
    return figure


def _draw(measure: Measure, label: str, color: str) -> tuple[go.Scatter, go.Scatter]:
    known: list[tuple[int, Estimate]] = [
        (k, estimate) for k, estimate in enumerate(measure.curve, start=1) if estimate
    ]
    places = [k for k, _ in known]
    line = go.Scatter(
        x=places, y=[e.value for _, e in known], name=label, mode="lines+markers",
        line={"color": color, "width": 2}, marker={"size": 5},
        hovertemplate="%{y:.1%}",
    )  # fmt: skip
    band = go.Scatter(
        x=places + places[::-1],
        y=[e.ci[1] for _, e in known] + [e.ci[0] for _, e in reversed(known)],
        fill="toself", fillcolor=color, opacity=BAND_OPACITY, line={"width": 0},
        mode="lines", hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    return line, band
