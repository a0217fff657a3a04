"""Monitor: a run's rewards and losses as they grow, beside what the model writes just now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st

from pages.components.charts.live_chart import live_chart
from pages.components.completions.view import (
    generation_style,
    in_reward_order,
    show_completion,
    show_prompt,
)
from pages.components.judgement.findings import show_findings, show_radar
from pages.components.judgement.preflight_card import preflight_card
from pages.components.keeping_columns import keep_columns
from pages.components.page_header import page_header, plain, shown_errors
from pages.components.rewards.pinned_source import (
    judge_names,
    kernel_limits,
    reward_weights,
    show_reward_source,
)
from pages.components.runs.actions import report_button
from pages.components.runs.curves import (
    checkpoint_marks,
    measured_panels,
    optimisation_panels,
    policy_panels,
    read_rescored,
    reward_panels,
    stage_marks,
)
from pages.components.runs.header import run_header
from pages.components.runs.log_tail import log_html, read_log_tail
from pages.components.runs.look import RunLook, look_at, read_telling_group
from pages.components.runs.phase_bars import phase_bars_html, phase_bars_style
from pages.components.runs.picker import pick_run
from pages.components.runs.prompt_table import show_prompt_table
from pages.components.runs.pulse import redraw_on_change
from pages.components.runs.pulse_route import get_revision, serve_commands
from pages.components.runs.rescoring import choose_rescore, is_rescoring, show_rescore
from pages.components.runs.spread import show_spread
from rft_core.config import to_yaml
from rft_core.figures import Curves
from rft_core.paths import get_runs_dir, get_worker_log_path
from rft_core.store.run_reader import events_frame, has_database, open_run
from rft_core.store.runs import RunRow

RESCORE_REFRESH = 1.0  # seconds, on a run that has ended
REFRESH = {"Off": None, "1 s": 1.0, "5 s": 5.0, "30 s": 30.0}
AXES = {"Step": "step", "Time": "time", "Tokens": "tokens"}


@dataclass(frozen=True)
class Moment:
    """The step whose completions are shown beside the curves. `pinned`: by a click on a point."""

    step: int
    split: str
    pinned: bool


def main() -> None:
    title, picker, report = st.columns([6, 4, 1.3], vertical_alignment="bottom")
    with title:
        page_header("Monitor", "Rewards as they rise, beside what the model writes just now.")
    with picker:
        run = pick_run()
    with report:
        report_button(run)
    generation_style()
    phase_bars_style()
    serve_commands()
    keep_columns(run.id)
    with shown_errors():
        active = look_at(run).status.is_active
    refresh, view = toolbar(run, active)
    interval = REFRESH[refresh] if active else RESCORE_REFRESH if is_rescoring(run.id) else None
    st.fragment(live_view, key="live")(run, view, interval is not None)
    st.fragment(details, key="details-of-run")(run)
    if interval is not None:
        redraw_on_change("live", "details-of-run", every=interval, run=run.id)


def toolbar(run: RunRow, active: bool) -> tuple[str, dict[str, Any]]:
    """How often to look (while there is something to wait for), and how to draw."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        refresh = st.segmented_control(
            "Refresh every", list(REFRESH), default="1 s", required=True, disabled=not active,
            key="refresh", bind="query-params",
            help=None if active else "The run has ended: nothing changes any more.",
        )  # fmt: skip
        axis = st.segmented_control(
            "X axis", list(AXES), default="Step", required=True, key="x", bind="query-params"
        )
        smoothing = st.slider(
            "Smoothing", 0.0, 0.95, 0.6, 0.05, key="smoothing", bind="query-params", width=200,
            help="Weight of the past in a moving average; the raw line stays visible behind it.",
        )  # fmt: skip
        log_y = st.toggle("Log y", key="log", bind="query-params")
        choose_rescore(run)
    return refresh, {"x_axis": AXES[axis], "smoothing": smoothing, "log_y": log_y}


@shown_errors()
def live_view(run: RunRow, view: dict[str, Any], polls: bool) -> None:
    """Everything that changes with each step."""
    look = look_at(run)
    status, curves, checkpoints = look.status, look.curves, look.checkpoints
    if status.state == "unreadable":
        st.rerun(scope="app")  # it was damaged while it was looked at
    run_header(status, checkpoints, look.written_at)
    with st.container():  # whatever stands in it, the charts below keep their place
        show_findings(run, look.judgement, is_active=status.is_active)
        show_radar(look.judgement)
        rescore = show_rescore(run)
        if limits := kernel_limits(run):
            st.caption(f":material/info: {plain(limits)}")
    rescored = read_rescored(run.id, rescore, look.revision)
    earned = (
        reward_panels(curves, reward_weights(run), rescored) if run.config.leaves_policy else []
    )
    grid = st.grid(3, min_column_width=280, gap="medium")  # one above the other when narrow
    with grid.cell(column_span=2):
        clicked = live_chart(
            "curves",
            [*earned, *policy_panels(curves, run.config.methods)],
            marks=[*stage_marks(run.config), *checkpoint_marks(checkpoints)],
            waiting="Waiting for the first step" if status.is_active else "Not measured",
            **view,
        )
    if clicked:
        st.session_state["pinned"] = (run.id, clicked.step, clicked.trace)
    with grid.cell():
        with st.container():  # where there is no preflight, nothing stands in it
            if look.judgement.preflight:
                preflight_card(look.judgement.preflight)
        show_generations(run, look)
    with st.container():  # before there is a step, nothing stands in it
        if look.times:
            st.html(phase_bars_html(look.times))
    if run.config.leaves_policy:
        spread = st.expander(
            "How rewards spread", on_change="rerun", icon=":material/stacked_bar_chart:"
        )
        if spread.open:
            with spread:
                show_spread(run, curves, look.revision)
    optimisation = st.expander("Optimisation", on_change="rerun", icon=":material/tune:")
    if optimisation.open:
        with optimisation:
            live_chart("optimisation", optimisation_panels(curves, run.config.methods), **view)
    if measured := measured_panels(curves, judge_names(run)):
        more = st.expander("Measured by the rewards", on_change="rerun", icon=":material/speed:")
        if more.open:
            with more:
                live_chart("measured", measured, **view)
    if polls and not status.is_active and not (rescore and rescore.is_running):
        st.rerun(scope="app")  # nothing is waited for any more: stop polling


def show_generations(run: RunRow, look: RunLook) -> None:
    """The best and the worst completion of the most telling group of one step."""
    moment = choose_moment(run.id, look.curves)
    with st.container(horizontal=True, vertical_alignment="center", key="strip-head"):
        what = "Clicked" if moment.pinned else "Latest"
        where = f" · {moment.split} step {moment.step}" if look.curves.by_key else " generations"
        st.markdown(f"**{what}**{where}", width="stretch")
        if moment.pinned and st.button("Follow", type="tertiary", icon=":material/sensors:"):
            st.session_state.pop("pinned", None)
            st.rerun(scope="fragment")
    found, prompts = read_telling_group(run, look.revision, step=moment.step, split=moment.split)
    found = in_reward_order(found, reward_weights(run))
    if not found:
        st.caption(
            "The first completions appear here once the worker has sampled them."
            if run.config.leaves_policy
            else "A reward model writes nothing: it learns to score what others wrote."
        )  # fmt: skip
        return
    best, worst = found[0], found[-1]
    show_prompt(prompts[best.prompt_id], short=True)
    show_completion(best, title="Best")
    if worst.id != best.id:
        if worst.prompt_id != best.prompt_id:
            show_prompt(prompts[worst.prompt_id], short=True)
        show_completion(worst, title="Worst")
    st.page_link(
        "generations.py", label="All generations of this step", icon=":material/forum:",
        query_params={"run": run.id, "step": str(moment.step), "split": moment.split},
    )  # fmt: skip


def choose_moment(run_id: str, curves: Curves) -> Moment:
    """The point that was clicked, or the newest step at which anything was sampled."""
    pinned_run, step, trace = st.session_state.get("pinned", ("", 0, ""))
    if pinned_run == run_id:
        return Moment(step, "validation" if trace == "validation" else "train", pinned=True)
    rewards = {split: curves.get("reward", split) for split in ("train", "validation")}
    sampled = {split: int(curve.step[-1]) for split, curve in rewards.items() if curve is not None}
    if not sampled:
        return Moment(curves.last_step, "train", pinned=False)
    split = max(sampled, key=lambda split: sampled[split])  # of equals, train
    return Moment(sampled[split], split, pinned=False)


@shown_errors()
def details(run: RunRow) -> None:
    """What stands behind the curves; only the open tab is read."""
    log, events, prompts, rewards, settings = st.tabs(
        ["Log", "Events", "Prompts", "What is being rewarded", "Settings"],
        on_change="rerun", key="details", bind="query-params",
    )  # fmt: skip
    if log.open:
        text = read_log_tail(get_worker_log_path(get_runs_dir(), run.id))
        with log.container(height=340, autoscroll=True, border=False):
            st.html(log_html(text or "The worker has not printed anything yet."))
    if events.open:
        with events:
            show_events(run.id)
    if prompts.open:
        with prompts:
            show_prompt_table(run, get_revision(run.id))
    if rewards.open:
        with rewards:
            show_reward_source(run)
    if settings.open:
        settings.code(to_yaml(run.config), language="yaml")


def show_events(run_id: str) -> None:
    if not has_database(get_runs_dir(), run_id):
        st.caption("Nothing has happened yet.")
        return
    with open_run(get_runs_dir(), run_id) as db:
        frame = events_frame(db)
    frame["time"] = [datetime.fromtimestamp(t).strftime("%H:%M:%S") for t in frame["time"]]
    st.dataframe(frame, hide_index=True, alt="Events of this run, newest first")


main()
