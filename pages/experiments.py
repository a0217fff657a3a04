"""Experiments: a question, the arms that answer it, how far they are, and what was found."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from pages.components.charts.arms_figure import arms_figure
from pages.components.charts.sizes_figure import sizes_figure
from pages.components.page_header import page_header, plain, shown_errors
from pages.components.runs.pulse import redraw_on_change
from pages.components.runs.pulse_route import serve_commands
from rft_core.experiments.background import (
    is_under_way,
    read_last_words,
    start_experiment,
    stop_experiment,
)
from rft_core.experiments.catalog import MAKERS, get_experiment
from rft_core.experiments.claims import Outcome, Verdict
from rft_core.experiments.design import Experiment
from rft_core.experiments.measuring import read_findings
from rft_core.experiments.report import list_rows, write_report
from rft_core.experiments.results import BlockResult, Findings
from rft_core.experiments.trials import TrialRun, list_trial_runs
from rft_core.paths import get_runs_dir

REFRESH_SECONDS = 3.0
OUTCOME_LOOKS: dict[Outcome, tuple[str, str]] = {
    "reproduced": ("green", "check_circle"),
    "not reproduced": ("red", "cancel"),
    "undecided": ("orange", "help"),
    "not measured": ("gray", "hourglass_empty"),
}


def main() -> None:
    page_header("Experiments", "Many runs that answer one question, with intervals and controls.")
    serve_commands()
    experiment = choose_experiment()
    st.fragment(progress_and_findings, key="experiment")(experiment)
    redraw_on_change("experiment", every=REFRESH_SECONDS)


def choose_experiment() -> Experiment:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    wanted = st.query_params.get("experiment")
    names = list(MAKERS)
    with left:
        name = st.segmented_control(
            "Experiment", names, default=wanted if wanted in MAKERS else names[0], required=True,
            format_func=lambda name: get_experiment(name).title,
        )  # fmt: skip
    with right:
        quick = pick_quick()
    st.query_params["experiment"] = str(name)
    experiment = get_experiment(str(name), quick=quick)
    st.markdown(f"**{experiment.question}**")
    if quick:
        st.caption("Quick: everything is done once, at a size whose figures say nothing.")
    return experiment


def pick_quick() -> bool:
    """In the address as `?quick=1`, so that a reload shows the same experiment."""

    def remember() -> None:
        if st.session_state["experiment_quick"]:
            st.query_params["quick"] = "1"
        else:
            st.query_params.pop("quick", None)

    st.session_state["experiment_quick"] = "quick" in st.query_params
    return st.toggle(
        "Quick", key="experiment_quick", on_change=remember,
        help="The same design in minutes; its figures say nothing.",
    )  # fmt: skip


@shown_errors()
def progress_and_findings(experiment: Experiment) -> None:
    runs_dir = get_runs_dir()
    trials = list_trial_runs(runs_dir, experiment)
    findings = read_findings(runs_dir, experiment)
    start_and_stop(runs_dir, trials, findings)
    if any(block.is_measured for block in findings.blocks):
        show_findings(findings)
    with st.expander(f"The {len(trials)} runs", icon=":material/list:"):
        st.dataframe(trial_table(trials), hide_index=True, column_config={
            "run": st.column_config.LinkColumn(display_text=r"run=(.*)"),
            "done": st.column_config.ProgressColumn(format="percent"),
        })  # fmt: skip


def start_and_stop(runs_dir: Path, trials: list[TrialRun], findings: Findings) -> None:
    experiment = findings.experiment
    done, is_busy = sum(trial.is_finished for trial in trials), is_under_way(runs_dir, experiment)
    is_complete = done == len(trials) and all(block.is_measured for block in findings.blocks)
    left, right = st.columns([4, 1], vertical_alignment="center")
    active = next((t for t in trials if t.status and t.status.is_active), None)
    now = plain(active.trial.title) if active else "measuring" if is_busy else ""
    with left:
        st.progress(done / len(trials), text=f"{done} of {len(trials)} runs trained. {now}")
    with right:
        if is_busy:
            if st.button("Stop", icon=":material/stop:", width="stretch"):
                stop_experiment(runs_dir, experiment)
        elif not is_complete and st.button(
            "Go on" if done else "Run it", type="primary", icon=":material/play_arrow:",
            width="stretch",
        ):  # fmt: skip
            start_experiment(runs_dir, experiment)
            st.rerun()
    if not is_busy and 0 < done < len(trials):
        st.caption(plain(read_last_words(runs_dir, experiment)))


def show_findings(findings: Findings) -> None:
    known = [verdict for verdict in findings.verdicts if verdict.difference]
    show_verdicts(known)
    if missing := [verdict for verdict in findings.verdicts if not verdict.difference]:
        with st.expander(f"Not measured yet: {len(missing)} claims", icon=":material/pending:"):
            show_verdicts(missing)
    measured = [block for block in findings.blocks if block.is_measured]
    if findings.experiment.size_name and len(measured) > 1:
        st.plotly_chart(
            sizes_figure(findings), config={"displayModeBar": False}, theme="streamlit", key="sizes"
        )
    for block, place in zip(measured, st.columns(len(measured)), strict=True):
        with place:
            st.markdown(f"**{block.block.title}**")
            st.plotly_chart(
                arms_figure(block), config={"displayModeBar": False}, theme="streamlit",
                key=f"arms-{block.block.name}",
            )  # fmt: skip
    for block in measured:
        show_table(block)
    st.download_button(
        "Report", write_report(findings), f"{findings.experiment.name}.md",
        icon=":material/download:",
    )  # fmt: skip


def show_verdicts(verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        colour, icon = OUTCOME_LOOKS[verdict.outcome]
        st.markdown(f":{colour}[:material/{icon}:] {plain(verdict.sentence)}")


def show_table(block: BlockResult) -> None:
    with st.expander(f"Figures: {block.block.title}", icon=":material/table:"):
        st.dataframe(pd.DataFrame(list_rows(block)).fillna(""), hide_index=True)
        st.caption(plain(block.about))


def trial_table(trials: list[TrialRun]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "block": trial.trial.block.title,
            "arm": trial.trial.arm.title,
            "seed": trial.trial.seed,
            "state": trial.state.replace("_", " "),
            "done": trial.status.step / trial.status.max_steps if trial.status else 0.0,
            "run": f"/monitor?run={trial.run_id}" if trial.run_id else None,
        }
        for trial in trials
    )


main()
