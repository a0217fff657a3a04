"""Overview: every run with its state and last rewards, and what to do next."""

import time

import streamlit as st

from pages.components.method_chooser import method_chooser
from pages.components.page_header import page_header, plain, shown_errors
from pages.components.rewards.sandbox_notice import sandbox_line
from pages.components.runs.actions import stop_and_resume
from pages.components.runs.badge import age_text, duration_text, state_badge
from rft_core.errors import RftError
from rft_core.hardware import get_hardware
from rft_core.jobs import DEMOS, delete, ensure_commands_are_served, launch_demo
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.run_state import RunStatus, list_run_statuses
from rft_core.store.runs import UnreadableRun, list_unreadable_runs
from rft_core.store.sets import get_reward_set

RUNS_SHOWN = 30
REFRESH_SECONDS = 2.0


def main() -> None:
    page_header(
        "RFT Studio", "Write rewards, prove them, train with GRPO + LoRA, and watch every step."
    )
    statuses = read_statuses()
    if not statuses:
        first_steps()
    else:
        any_active = any(status.is_active for status in statuses)
        st.fragment(run_list, run_every=REFRESH_SECONDS if any_active else None)()
        all_demos()
    for run in read_unreadable_runs():
        unreadable_card(run)
    st.divider()
    with st.expander("SFT or RFT? Four questions", icon=":material/help:"):
        method_chooser()
    sandbox_line()
    st.caption(get_hardware().describe())


def read_statuses() -> list[RunStatus]:
    runs_dir = get_runs_dir()
    with shown_errors(), open_index(runs_dir) as index:
        return list_run_statuses(index, runs_dir)


def read_unreadable_runs() -> list[UnreadableRun]:
    with shown_errors(), open_index(get_runs_dir()) as index:
        return list_unreadable_runs(index)


def unreadable_card(run: UnreadableRun) -> None:
    """A run of another version: it is still there, and can be deleted."""
    with st.container(border=True, key=f"run-{run.id}"):
        words, actions = st.columns([9, 2], vertical_alignment="center", gap="medium")
        with words:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(run.name or run.id)}**", width="content")
                state_badge("unreadable")
            st.caption(
                "Its settings are not those of this version of RFT Studio: "
                f"{plain(run.problem)}. Its files in `{run.id}` are untouched."
            )
        with actions, st.container(horizontal=True, horizontal_alignment="right"):
            delete_button(run.id)


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


def run_list() -> None:
    ensure_commands_are_served(get_runs_dir())
    statuses = read_statuses()
    active = sum(status.is_active for status in statuses)
    if st.session_state.get("overview_active", active) and not active:
        st.session_state["overview_active"] = 0
        st.rerun(scope="app")  # the last run has ended: stop refreshing
    st.session_state["overview_active"] = active
    finished = sum(status.state == "finished" for status in statuses)
    count = f"{len(statuses)} run{'s' * (len(statuses) != 1)}"
    st.markdown(f"**{count}** · {active} active · {finished} finished")
    for status in statuses[:RUNS_SHOWN]:
        run_card(status)
    if len(statuses) > RUNS_SHOWN:
        st.caption(f"The {RUNS_SHOWN} newest are shown; `python -m rft_core runs` lists all.")


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
                f"{plain(run.config.task)} · {run.config.method.upper()} · "
                f"{plain(run.config.model)} · {age_text(time.time() - run.created_at)}"
            )
        with rewards:
            reward_line(status)
        with progress:
            share = min(status.step / max(status.max_steps, 1), 1.0)
            st.progress(share, text=progress_text(status))
        with actions:
            run_actions(status)
        if status.message and status.is_in_trouble:
            st.caption(f":material/info: {plain(status.message)}")
        if status.not_responding:
            st.caption(f":material/hourglass_top: {plain(status.not_responding)}")


def reward_line(status: RunStatus) -> None:
    """The last validation rewards where there are any, else the last training rewards."""
    source = "validation" if status.last_validation else "train"
    metrics = status.last_validation or status.last_train
    measured = {name: metrics.get(f"rewards/{name}/mean") for name in reward_names(status)}
    means = {name: value for name, value in measured.items() if value is not None}
    if not means:
        st.caption("no rewards yet")
        return
    with st.container(horizontal=True):
        for name, value in list(means.items())[:3]:
            st.metric(plain(name), f"{value:.2f}", help=f"Mean reward, last {source} step.")


def reward_names(status: RunStatus) -> tuple[str, ...]:
    """In the order of the reward set."""
    with shown_errors(), open_index(get_runs_dir()) as index:
        content = get_reward_set(index, status.run.config.reward_set or "").content
    return RewardSet.from_json(content).names


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
        if not status.is_active:
            delete_button(status.run.id)


def delete_button(run_id: str) -> None:
    if st.button("Delete", key=f"delete-{run_id}", icon=":material/delete:", type="tertiary"):
        confirm_delete(run_id)


@st.dialog("Delete this run?")
def confirm_delete(run_id: str) -> None:
    st.write(
        f"`{run_id}` with its metrics, generations, checkpoints and adapter will be gone for good."
    )
    if st.button("Delete it", type="primary", on_click=delete_now, args=(run_id,)):
        st.rerun()


def delete_now(run_id: str) -> None:
    """A callback: it has to be done before the list is drawn again."""
    try:
        delete(get_runs_dir(), run_id)
    except RftError as error:  # it became active, or is gone already
        st.toast(str(error), icon=":material/error:")


main()
