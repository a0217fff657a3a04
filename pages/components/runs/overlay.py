"""The curves of several runs over each other: a small chart per measure, a colour per group."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.components.charts.overlay_figure import overlay_figure
from pages.components.page_header import plain
from pages.components.runs.curves import read_curves
from pages.components.runs.pulse_route import get_revision
from pages.components.shared_reads import shared_reads
from rft_core.errors import RftError
from rft_core.evaluation.comparison.overlay import make_band
from rft_core.figures import Curves
from rft_core.paths import get_runs_dir
from rft_core.store.runs import RunRow

Groups = Sequence[tuple[RunRow, ...]]
NO_BAR = {"displayModeBar": False}
AXES = {"Step": "step", "Minutes": "minutes", "Tokens": "tokens"}
TOTAL_HELP = "Mean of the weighted sum of all reward functions: what training raises."


def choose_view() -> dict[str, Any]:
    """Which rows, which axis, how smooth: kept in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        rows = st.segmented_control(
            "Rows", ["Training", "Validation"], default="Training", required=True, key="rows",
            bind="query-params",
        )  # fmt: skip
        axis = st.segmented_control(
            "X axis", list(AXES), default="Step", required=True, key="x", bind="query-params"
        )
        smoothing = st.slider(
            "Smoothing", 0.0, 0.95, 0.6, 0.05, key="smoothing", bind="query-params", width=200,
            disabled=rows == "Validation",
            help="Weight of the past in a moving average. Validations are shown as they are.",
        )  # fmt: skip
    is_training = rows == "Training"
    return {
        "split": "train" if is_training else "validation",
        "axis": AXES[axis],
        "smoothing": smoothing if is_training else 0.0,
    }


def show_overlay(groups: Groups, labels: Sequence[str], view: Mapping[str, Any]) -> None:
    """Every measure that some run has, in the order of the reward sets and then of the methods."""
    curves = {run.id: _read(run) for group in groups for run in group}
    titles = _list_measures(groups, curves, view["split"])
    if not titles:
        st.caption("None of these runs has measured anything on these rows yet.")
        return
    grid = st.grid(3, min_column_width=280, gap="medium")
    for metric, (title, help) in titles.items():
        measured = [
            [curve for run in group if (curve := curves[run.id].get(metric, view["split"]))]
            for group in groups
        ]
        bands = list(zip(labels, map(make_band, measured), strict=True))
        with grid.cell():
            st.markdown(f"**{plain(title)}**", help=help or None)
            figure = overlay_figure(bands, view["axis"], smoothing=view["smoothing"])
            st.plotly_chart(figure, config=NO_BAR, key=f"overlay-{metric}")


def _read(run: RunRow) -> Curves:
    """Of a run that cannot be read there is nothing to draw; other pages say why."""

    def read(known: Curves | None) -> Curves:
        try:
            return read_curves(run.id, known)[0]
        except RftError:
            return Curves()

    key = ("overlay", get_runs_dir(), run.id, run.created_at)
    return shared_reads().get(key, get_revision(run.id), read)


def _list_measures(
    groups: Groups, curves: Mapping[str, Curves], split: str
) -> dict[str, tuple[str, str]]:
    """Title and explanation by metric, of those that some run has measured."""
    wanted = {"reward": ("Total reward", TOTAL_HELP)}
    for one in curves.values():
        for name in one.functions:
            wanted[f"rewards/{name}/mean"] = (name, f"Mean score of the reward function '{name}'.")
    wanted["flagged"] = ("Flagged share", "Share of completions with a recognised trick.")
    for group in groups:
        for method in group[0].config.methods:
            for panel in (*method.policy_panels, *method.optimisation_panels):
                wanted.setdefault(panel.metric, (panel.title, panel.help))
    return {
        metric: said
        for metric, said in wanted.items()
        if any(one.get(metric, split) is not None for one in curves.values())
    }
