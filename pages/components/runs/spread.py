"""How the rewards of a run spread, and what they are made of; a bar leads to its completions."""

import streamlit as st

from pages.components.charts.makeup_figure import makeup_figure
from pages.components.charts.reward_histogram import (
    ChosenBar,
    choose_bins,
    histogram_figure,
    name_window,
)
from pages.components.rewards.pinned_source import reward_weights
from pages.components.shared_reads import shared_reads
from rft_core.figures import Curves
from rft_core.paths import get_runs_dir
from rft_core.store.run_reader import has_database, open_run
from rft_core.store.runs import RunRow
from rft_core.store.summaries.reward_counts import StepWindow, count_rewards

DESIGN = {"displayModeBar": False}


def show_spread(run: RunRow, curves: Curves, revision: str) -> None:
    """Side by side where there is room."""
    windows = read_windows(run, revision)
    if not windows:
        st.caption("Nothing was sampled yet.")
        return
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        st.markdown("**How often each reward was earned**")
        _histogram(run, windows)
    with grid.cell():
        st.markdown("**What the total is made of**")
        figure = makeup_figure(curves, reward_weights(run))
        if figure is None:
            st.caption("No function that is paid for was measured yet.")
        else:
            st.plotly_chart(figure, key="makeup", config=DESIGN)


def read_windows(run: RunRow, revision: str) -> list[StepWindow]:
    """Once for all who look, and again when something was written."""

    def read(known: list[StepWindow] | None) -> list[StepWindow]:
        if not has_database(get_runs_dir(), run.id):
            return []
        with open_run(get_runs_dir(), run.id) as db:
            return count_rewards(db)

    key = ("spread", get_runs_dir(), run.id, run.created_at)
    return shared_reads().get(key, revision, read)


def _histogram(run: RunRow, windows: list[StepWindow]) -> None:
    bins = choose_bins(windows)
    figure = histogram_figure(windows, bins)
    event = st.plotly_chart(
        figure, key="spread", on_select="rerun", selection_mode="points", config=DESIGN
    )
    points = event.selection.points if event else []
    chosen = None
    if points:
        bar = points[0]
        at, place = bar["point_index"], bar["curve_number"]
        if at < len(windows) and place < len(bins):
            chosen = ChosenBar(windows[at], bins[place])
    if chosen is None:
        st.caption(f"A bar counts {_say_what_counts(windows)}. Click a part of it to read them.")
        return
    st.page_link(
        "generations.py", icon=":material/forum:",
        label=f"Read those of step {name_window(chosen.window)} with reward {chosen.bin.label}",
        query_params=_address(run, chosen),
    )  # fmt: skip


def _say_what_counts(windows: list[StepWindow]) -> str:
    if all(window.steps_counted == window.last - window.first + 1 for window in windows):
        return "every completion"
    return f"all completions of {windows[0].steps_counted} steps of its stretch"


def _address(run: RunRow, chosen: ChosenBar) -> dict[str, str]:
    """The filters of the Generations page that let these completions through."""
    filters = {"run": run.id, "split": "train", "step": str(chosen.window.first)}
    if chosen.window.last > chosen.window.first:
        filters["until"] = str(chosen.window.last)
    if chosen.bin.low is None or chosen.bin.high is None:
        return filters | {"unscored": "true"}
    return filters | {"from": repr(chosen.bin.low), "to": repr(chosen.bin.high)}
