"""Overview: every run with its state and last rewards, and what to do next."""

import time
from collections.abc import Sequence

import streamlit as st

from pages.components.durations import age_text, duration_text
from pages.components.method_chooser import method_chooser
from pages.components.page_header import page_header, plain, shown_errors
from pages.components.rewards.pinned_source import reward_weights
from pages.components.rewards.sandbox_notice import sandbox_line
from pages.components.runs.actions import delete_button, stop_and_resume
from pages.components.runs.badge import state_badge
from pages.components.runs.pulse import redraw_on_change
from pages.components.runs.pulse_route import get_revision, serve_commands
from pages.components.runs.run_table import choose_view, filter_lines, show_table
from pages.components.runs.table_actions import table_actions
from pages.components.runs.taking_away import export_button, show_export
from pages.components.runs.unreadable import describe_settings, unreadable_card
from pages.components.shared_reads import shared_reads
from rft_core.hardware import get_hardware
from rft_core.jobs.demos import DEMOS, launch_demo
from rft_core.paths import get_runs_dir
from rft_core.store.adapters import has_adapter
from rft_core.store.index import open_index
from rft_core.store.listing.run_lines import RunLine, RunLines, read_run_lines
from rft_core.store.state.status import RunStatus

CARDS_SHOWN = 3  # at first: what lives, what ended last, and what is in trouble
SHOWN_KEY = "overview_shown"
REFRESH_SECONDS = 2.0
IDLE_SECONDS = 5.0  # nothing runs: only another tab or the command line begins something


def main() -> None:
    page_header("RFT Studio", "Write rewards, prove them, train, and watch every step.")
    serve_commands()
    with shown_errors():
        runs = read_runs()
    if not runs.lines and not runs.other_version:
        first_steps()
    else:
        st.fragment(run_list, key="runs")()
        all_demos()
    st.divider()
    with st.expander("SFT or RFT? Which method fits", icon=":material/help:"):
        method_chooser()
    sandbox_line()
    st.caption(get_hardware().describe())
    show_export()
    if runs.lines or runs.other_version:
        any_active = any(line.status.is_active for line in runs.lines)
        redraw_on_change("runs", every=REFRESH_SECONDS if any_active else IDLE_SECONDS)


def read_runs() -> RunLines:
    """Read once for all who look, and again when something has changed."""
    folder = get_runs_dir()

    def read(known: RunLines | None) -> RunLines:
        with open_index(folder) as index:
            return read_run_lines(index, folder, known.digests if known else None)

    return shared_reads().get(("runs", folder), get_revision(), read)


def first_steps() -> None:
    with st.container(border=True):
        st.subheader("See it work first", anchor=False)
        st.write(
            "Two small models ship with RFT Studio. In Countdown one learns to reach a target with "
            "three numbers; in Triton the other learns to write GPU kernels, which run here in "
            "Triton's interpreter. No download, no GPU; the curves move within a minute."
        )
        with st.container(horizontal=True):
            for name, kind in (("countdown", "primary"), ("triton", "secondary")):
                label = f"Start the {DEMOS[name].preset}"
                if st.button(label, type=kind, icon=":material/play_arrow:"):
                    watch_demo(name)
    st.write("Or bring your own task:")
    with st.container(horizontal=True):
        st.page_link("prompts.py", label="1. Upload prompts", icon=":material/dataset:")
        st.page_link("rewards.py", label="2. Write a reward", icon=":material/rule:")
        st.page_link("train.py", label="3. Train", icon=":material/model_training:")


def all_demos() -> None:
    """Below the runs: each demo can still be started, or looked at again."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Demos", width="content")
        for name, demo in DEMOS.items():
            if st.button(
                demo.title or demo.preset, key=f"demo-{name}", type="tertiary",
                icon=":material/play_arrow:", help="Starts it, goes on with it, or opens its run.",
            ):  # fmt: skip
                watch_demo(name)


def watch_demo(name: str) -> None:
    with shown_errors(), st.spinner("Starting …"):
        run = launch_demo(get_runs_dir(), name)
    st.switch_page("monitor.py", query_params={"run": run})


@shown_errors()
def run_list() -> None:
    """Cards for what somebody should look at now, then the table of all."""
    runs = read_runs()
    states = [line.status.state for line in runs.lines]
    active, finished = sum(line.status.is_active for line in runs.lines), states.count("finished")
    put_aside = sum(line.labels.is_archived for line in runs.lines)
    count = f"{len(states)} run{'s' * (len(states) != 1)}"
    archived = f" · {put_aside} archived" if put_aside else ""
    st.markdown(f"**{count}** · {active} active · {finished} finished{archived}")
    cards = pick_cards(runs.lines)
    shown = st.session_state.get(SHOWN_KEY, CARDS_SHOWN)
    for line in cards[:shown]:
        show_card(line.status)
    for run in runs.other_version[:shown]:
        unreadable_card(run.id, run.name, describe_settings(run))
    if len(cards) > shown:
        st.button(
            f"Show more ({len(cards) - shown} older)", type="tertiary",
            icon=":material/expand_more:", on_click=show_more,
        )  # fmt: skip
    if runs.lines:
        run_table(runs)


def pick_cards(lines: Sequence[RunLine]) -> list[RunLine]:
    """What lives first; then what ended last; then what is in trouble. Nothing that was archived,
    unless it lives."""
    active = [line for line in lines if line.status.is_active]
    ended = [line for line in lines if not (line.status.is_active or line.labels.is_archived)]
    trouble = [line for line in ended[1:] if line.status.is_in_trouble]
    return [*active, *ended[:1], *trouble]


def run_table(runs: RunLines) -> None:
    """All runs. Of the one that is selected, its card with all that can be done with it."""
    st.subheader("All runs", anchor=False)
    view = choose_view(runs.lines, runs.tags)
    lines = filter_lines(runs.lines, view)
    place = st.container()
    if lines:
        selected = show_table(lines, view)
    else:
        selected = []
        st.info("No run matches. Clear the search and the filters to see all of them.")
    with place:
        table_actions(selected, runs.tags)
    carded = {
        line.id for line in pick_cards(runs.lines)[: st.session_state.get(SHOWN_KEY, CARDS_SHOWN)]
    }
    if len(selected) == 1 and selected[0].id not in carded:
        show_card(selected[0].status)


def show_card(status: RunStatus) -> None:
    if status.state == "unreadable":
        unreadable_card(status.run.id, status.run.name, status.message)
    else:
        run_card(status)


def show_more() -> None:
    st.session_state[SHOWN_KEY] = st.session_state.get(SHOWN_KEY, CARDS_SHOWN) + CARDS_SHOWN


def run_card(status: RunStatus) -> None:
    run = status.run
    with st.container(border=True, key=f"run-{run.id}"):
        title, rewards, progress, actions = st.columns(
            [3, 4, 3, 2], vertical_alignment="center", gap="medium"
        )
        with title:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.page_link(
                    "monitor.py", label=f"**{plain(run.name or run.id)}**",
                    query_params={"run": run.id},
                )  # fmt: skip
                state_badge(status.state)
            st.caption(
                f"{plain(run.config.task)} · {' → '.join(run.config.method_titles)} · "
                f"{plain(run.config.model)} · {age_text(time.time() - run.created_at)}"
            )
        with rewards:
            reward_line(status)
        with progress:
            share = min(status.step / max(status.max_steps, 1), 1.0)
            st.progress(share, text=progress_text(status))
        with actions:
            run_actions(status)
        if status.message and (status.is_in_trouble or status.state == "finished"):
            st.caption(f":material/info: {plain(status.message)}")
        if status.not_responding:
            st.caption(f":material/hourglass_top: {plain(status.not_responding)}")


def reward_line(status: RunStatus) -> None:
    """The last validation rewards where there are any, else the last training rewards."""
    source = "validation" if status.last_validation else "train"
    metrics = status.last_validation or status.last_train
    names = reward_weights(status.run)  # in the order of the reward set
    measured = {name: metrics.get(f"rewards/{name}/mean") for name in names}
    means = {name: value for name, value in measured.items() if value is not None}
    if not means:
        st.caption("no rewards yet")
        return
    with st.container(horizontal=True):
        for name, value in list(means.items())[:3]:
            st.metric(plain(name), f"{value:.2f}", help=f"Mean reward, last {source} step.")


def progress_text(status: RunStatus) -> str:
    parts = [f"step {status.step} / {status.max_steps}", duration_text(status.duration)]
    if status.eta is not None:
        parts.append(f"{duration_text(status.eta)} left")
    if status.is_active and status.phase and status.phase != "training":
        parts.append(status.phase)
    return " · ".join(parts)


def run_actions(status: RunStatus) -> None:
    with st.container(horizontal=True, horizontal_alignment="right"):
        stop_and_resume(status)
        if status.run.config.leaves_policy and has_adapter(get_runs_dir(), status.run.id):
            export_button(status.run.id)
        if not status.is_active:
            delete_button(status.run.id)


main()
