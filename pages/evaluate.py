"""Evaluate: the base against tuned runs and checkpoints, on prompts that no run has trained on."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import streamlit as st

from pages.components.completions.view import generation_style
from pages.components.evaluation.changed import changes_jsonl, show_changes
from pages.components.evaluation.choose import (
    NONE,
    Asked,
    choose,
    contender_label,
    list_contenders,
)
from pages.components.evaluation.result import show_forgotten, show_matchup
from pages.components.page_header import page_header, plain, shown_errors
from pages.components.runs.taking_away import export_button, show_export
from pages.components.workflow import remembered, section
from rft_core.evaluation.changes import Change
from rft_core.evaluation.records import (
    EvaluationRecord,
    PastEvaluation,
    list_past,
    open_record,
)
from rft_core.evaluation.report import Label
from rft_core.evaluation.report_files import to_csv, to_json, to_markdown
from rft_core.evaluation.reranking import find_reranker
from rft_core.evaluation.run_evaluation import plan_evaluation, run_evaluation
from rft_core.paths import get_runs_dir
from rft_core.sampling.service.messages import LoadProgress
from rft_core.store.adapters import has_adapter

OPENED = "evaluation_opened"  # the number of the one that the page shows
IN_ADDRESS = "evaluation"


def main() -> None:
    page_header("Evaluate", "The base against tuned runs, on prompts that no run has trained on.")
    with shown_errors():
        runs, contenders = list_contenders()
        past = list_past(get_runs_dir())
    if not contenders and not past:
        st.info("No run has an adapter yet. Start one, and come back after its first checkpoint.")
        st.page_link("overview.py", label="Go to Overview", icon=":material/home:")
        st.stop()
    section(1, "Compare", "Everyone gets the same rows and the same random numbers.")
    asked, pressed = choose(runs, contenders)
    if pressed:
        st.query_params[IN_ADDRESS] = str(measure(asked).number)
        st.session_state.pop(OPENED, None)
        past = list_past(get_runs_dir())
    label = partial(contender_label, runs=runs)
    record = pick_record(past, label)
    if record is not None:
        generation_style()
        show(record, label)
    else:
        section(2, "Take it away", "The model, as it is.")
        export_models(asked.contenders, label)
    show_export()


def measure(asked: Asked) -> EvaluationRecord:
    """Blocks; Stop (or any button) cancels the sampling. What was sampled before is kept."""
    folder = get_runs_dir()
    with shown_errors():
        reranker = find_reranker(folder, asked.rerank) if asked.rerank else None
        plan, *second = [
            plan_evaluation(folder, asked.contenders, task=task, num_prompts=asked.num_prompts)
            for task in (asked.task or None, asked.regression)
            if task != NONE
        ]
    status = st.progress(0.0, text="Starting the model …")
    stop = st.empty()
    stop.button("Stop", icon=":material/stop:", key="stop-evaluation")

    def on_progress(share: float, progress: LoadProgress) -> None:
        status.progress(share, text=progress.message)

    with shown_errors():
        record = run_evaluation(
            plan, k=asked.k, rerank=reranker, regression=second[0] if second else None,
            on_progress=on_progress,
        )  # fmt: skip
    status.empty()
    stop.empty()
    return record


def pick_record(past: list[PastEvaluation], label: Label) -> EvaluationRecord | None:
    """The newest evaluation, or an earlier one that was opened; its number is in the address."""
    if not past:
        return None
    numbers = {str(one.number): one for one in past}
    wanted = st.query_params.get(IN_ADDRESS)
    if wanted not in numbers:
        wanted = next(iter(numbers))
    st.session_state[OPENED] = wanted

    def remember() -> None:
        st.query_params[IN_ADDRESS] = st.session_state[OPENED]

    st.selectbox(
        f"Shown below, of {len(past)} so far" if len(past) > 1 else "Shown below", list(numbers),
        key=OPENED, on_change=remember,
        format_func=lambda number: past_label(numbers[number], label),
    )  # fmt: skip
    with shown_errors():
        opened = (wanted, numbers[wanted].created_at)
        return remembered(
            "evaluation_record", opened, lambda: open_record(get_runs_dir(), int(wanted))
        )


def past_label(one: PastEvaluation, label: Label) -> str:
    parts = [
        f"{datetime.fromtimestamp(one.created_at):%d %b %H:%M}",
        one.task,
        f"{one.num_prompts:,} prompts × {one.k}",
        ", ".join(map(label, one.models)),
        *([f"best by {one.rerank}"] if one.rerank else []),
        *([f"then {one.regression}"] if one.regression else []),
    ]
    return " · ".join(parts)


def show(record: EvaluationRecord, label: Label) -> None:
    section(2, "Who is better?", "With 95% intervals over prompts, the unit of all that follows.")
    show_matchup(record.main, record, label, "main")
    section(
        3, "What changed", "Rows on which more than half of the samples turned right, or wrong."
    )
    changes = show_changes(record.main, label, f"changes-{record.number}")
    number = 4
    if record.regression:
        section(
            number, "What was forgotten", f"The same models on {plain(record.regression.task)}."
        )
        show_forgotten(record, label)
        number += 1
    section(number, "Take it away", "The figures and the examples as files, and the models.")
    take_away(record, changes, label)
    export_models(record.main.labels[1:], label)


def export_models(contenders: Sequence[str], label: Label) -> None:
    """A button for each that is still there. The card of what it exports has these figures."""
    with st.container(horizontal=True):
        for name in contenders:
            run_id, at, step = name.partition("@")
            if has_adapter(get_runs_dir(), run_id):
                export_button(
                    run_id, step=int(step) if at else None, label=f"Export {plain(label(name))}"
                )


def take_away(record: EvaluationRecord, changes: list[Change], label: Label) -> None:
    name = f"evaluation-{record.number}"
    with st.container(horizontal=True):
        st.download_button("CSV", to_csv(record), f"{name}.csv", icon=":material/table:")
        st.download_button(
            "Markdown", to_markdown(record, changes, label), f"{name}.md",
            icon=":material/description:",
        )  # fmt: skip
        st.download_button(
            "JSON", lambda: _dump(record, changes), f"{name}.json", icon=":material/data_object:"
        )
        st.download_button(
            "Changed examples", changes_jsonl(changes), f"{name}-changes.jsonl",
            icon=":material/difference:", disabled=not changes,
        )  # fmt: skip
    st.caption(f"The same from the command line: `python -m rft_core evaluations {record.number}`")


def _dump(record: EvaluationRecord, changes: list[Change]) -> str:
    return json.dumps(to_json(record, changes), indent=2)


main()
