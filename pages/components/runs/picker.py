"""Which run a page shows: chosen in a list, remembered in the address as `?run=`."""

from collections.abc import Callable

import streamlit as st

from pages.components.page_header import plain, shown_errors
from pages.components.runs.unreadable import describe_settings, unreadable_card
from rft_core.paths import get_runs_dir
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, UnreadableRun, list_runs, list_unreadable_runs
from rft_core.store.state.status import get_run_status

KEY = "run_picker"
REMEMBERED = "last_run"  # the choice outlives a visit to a page without a picker


def pick_run(on_change: Callable[[], None] = lambda: None) -> RunRow:
    """Draw the picker and return its run. Ends the page where there is none to show.

    `on_change` is called when a person picks another run: forget what belongs to the old one.
    """

    def remember() -> None:
        st.query_params["run"] = st.session_state[KEY]
        on_change()

    with shown_errors(), open_index(get_runs_dir()) as index:
        readable = {run.id: run for run in list_runs(index)}
        other_version = {run.id: run for run in list_unreadable_runs(index)}
    runs: dict[str, RunRow | UnreadableRun] = {**readable, **other_version}
    if not runs:
        _no_runs()
    wanted = st.query_params.get("run") or st.session_state.get(REMEMBERED)
    if wanted not in runs:
        if "run" in st.query_params:
            st.warning(f"There is no run {plain(wanted)} here; this is the newest one.")
        wanted = next(iter(runs))
    st.session_state[KEY] = wanted
    st.selectbox(
        "Run", list(runs), key=KEY, format_func=lambda id: runs[id].label, on_change=remember
    )
    st.query_params["run"] = st.session_state[REMEMBERED] = wanted
    if wanted in other_version:
        run = other_version[wanted]
        unreadable_card(run.id, run.name, describe_settings(run))
        st.stop()
    _stop_if_unreadable(readable[wanted])
    return readable[wanted]


def _stop_if_unreadable(run: RunRow) -> None:
    """The page of a run that cannot be read is a card, with the other runs still in the list."""
    folder = get_runs_dir()
    with shown_errors(), open_index(folder) as index:
        status = get_run_status(index, folder, run.id)
    if status.state == "unreadable":
        unreadable_card(run.id, run.name, status.message)
        st.stop()


def _no_runs() -> None:
    st.info("There are no runs yet. Start the Countdown demo on the Overview page.")
    st.page_link("overview.py", label="Go to Overview", icon=":material/home:")
    st.stop()
