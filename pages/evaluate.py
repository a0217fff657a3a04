"""Evaluate: the base against tuned runs on prompts not trained on, with intervals."""

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.components.charts.pass_rate_figure import pass_rate_figure
from pages.components.page_header import page_header, plain, shown_errors
from rft_core.evaluation.held_out import HELD_OUT_PROMPTS, MOST_PROMPTS
from rft_core.evaluation.run_evaluation import plan_evaluation, recall_evaluation, run_evaluation
from rft_core.evaluation.suite import Evaluation
from rft_core.paths import get_runs_dir
from rft_core.sampling.service.messages import LoadProgress
from rft_core.store.adapters import list_adapters
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, list_runs

RESULT = "evaluation_result"


def main() -> None:
    page_header("Evaluate", "The base against tuned runs, on prompts that no run has trained on.")
    runs = runs_with_adapters()
    if not runs:
        st.info("No run has an adapter yet. Start one, and come back after its first checkpoint.")
        st.page_link("overview.py", label="Go to Overview", icon=":material/home:")
        st.stop()
    chosen = st.multiselect(
        "Runs", list(runs), default=_wanted(runs), key="evaluate_runs", persist_state="session",
        format_func=lambda id: run_label(runs[id]),
    )  # fmt: skip
    prompts, samples, vote, start = st.columns([2, 2, 2, 2], vertical_alignment="bottom")
    num_prompts = prompts.number_input("Prompts", 10, MOST_PROMPTS, HELD_OUT_PROMPTS, step=10)
    k = samples.number_input(
        "Samples per prompt (k)", 1, 64, 4, help="pass@k needs k samples of every prompt."
    )
    with_vote = vote.toggle("Majority vote", help="Also score the most frequent of the k answers.")
    if start.button(
        "Evaluate", type="primary", disabled=not chosen, icon=":material/play_arrow:",
        width="stretch",
    ):  # fmt: skip
        st.session_state[RESULT] = measure(chosen, int(num_prompts), int(k), with_vote)
    elif RESULT not in st.session_state:
        with shown_errors():
            recalled = recall_evaluation(get_runs_dir())
        if recalled:
            plan, evaluations = recalled
            st.session_state[RESULT] = (plan.describe(), evaluations)
    if RESULT in st.session_state:
        about, evaluations = st.session_state[RESULT]
        st.caption(plain(about))
        show_result(evaluations, runs)


def runs_with_adapters() -> dict[str, RunRow]:
    runs_dir = get_runs_dir()
    with shown_errors(), open_index(runs_dir) as index:
        return {run.id: run for run in list_runs(index) if list_adapters(runs_dir, run.id)}


def measure(
    chosen: Sequence[str], num_prompts: int, k: int, vote: bool
) -> tuple[str, list[Evaluation]]:
    """What was measured, and the results. Blocks; Stop (or any button) cancels the sampling."""
    with shown_errors():
        plan = plan_evaluation(get_runs_dir(), chosen, num_prompts=num_prompts)
    status = st.progress(0.0, text="Starting the model …")
    stop = st.empty()
    stop.button("Stop", icon=":material/stop:", key="stop-evaluation")

    def on_progress(model: str, progress: LoadProgress) -> None:
        status.progress(plan.progress_share(model, progress.fraction), text=progress.message)

    with shown_errors():
        result = run_evaluation(plan, k=k, vote=vote, on_progress=on_progress)
    status.empty()
    stop.empty()
    return plan.describe(), result


def show_result(evaluations: Sequence[Evaluation], runs: dict[str, RunRow]) -> None:
    labels = [run_label(runs[e.model]) if e.model in runs else e.model for e in evaluations]
    for evaluation, label in zip(evaluations[1:], labels[1:], strict=True):
        verdict(evaluation, label)
    st.plotly_chart(
        pass_rate_figure(evaluations, labels), config={"displayModeBar": False}, theme="streamlit"
    )
    rows = [evaluation.to_row() for evaluation in evaluations]
    table = pd.DataFrame(rows).assign(model=labels)
    for name in ("ci", "difference_ci"):
        if name in table:
            table[name] = table[name].map(
                lambda ci: f"{ci[0]:.3f} to {ci[1]:.3f}" if isinstance(ci, list) else ""
            )
    st.dataframe(table, hide_index=True)
    as_csv, as_json = st.columns([1, 5])
    as_csv.download_button("CSV", table.to_csv(index=False), "evaluation.csv")
    as_json.download_button("JSON", json.dumps({"rows": rows}, indent=2), "evaluation.json")


def verdict(evaluation: Evaluation, label: str) -> None:
    """One sentence: by how much, and whether that could be chance."""
    difference = evaluation.versus_base
    if difference is None:
        return
    low, high = (f"{100 * bound:+.1f}" for bound in difference.ci)
    text = (
        f"**{plain(label)}**: {100 * difference.difference:+.1f} points against the base on "
        f"{difference.n} prompts (95% interval {low} to {high}, p = {difference.p_value:.3g})."
    )
    if not difference.is_significant:
        st.info(text + " That could be chance.", icon=":material/help:")
    elif difference.difference > 0:
        st.success(text, icon=":material/trending_up:")
    else:
        st.warning(text + " It got worse.", icon=":material/trending_down:")


def run_label(run: RunRow) -> str:
    return f"{run.name or run.config.task} · {run.id[-9:]}"


def _wanted(runs: dict[str, RunRow]) -> list[str]:
    wanted = st.query_params.get("run")
    return [wanted] if wanted in runs else list(runs)[:1]


main()
