"""The shortest lie on the Rewards page: a button, and the completion that is paid and wrong."""

import json
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components.completions.view import as_generation, generation_style, show_completion
from pages.components.dry_run.form import DryRunRequest
from pages.components.page_header import plain, show_error
from rft_core.diagnosis.probes.target import ProbeCase
from rft_core.diagnosis.shortest_lie.ledger import Budget
from rft_core.diagnosis.shortest_lie.report import Lie, LieReport
from rft_core.errors import RftError
from rft_core.rewards.contract import RewardSet, Scored
from rft_core.tasks import TASKS
from rft_core.tasks.lie_search import search_lie
from rft_core.types import Completion

RESULT = "lie_result"
SECONDS = 20.0  # somebody is waiting
LONGEST_ROW = 400
CLICKED_HELP = (
    "Mutates completions until one is paid in full while an independent check says that it is "
    f"wrong, and shrinks it. At most {SECONDS:.0f} seconds; `python -m rft_core lie` takes longer."
)


@dataclass(frozen=True)
class Searched:
    """The last search, and what it was of: to say when it is outdated."""

    rewards_id: str
    inputs: object
    rows: tuple[Any, ...]
    report: LieReport


def lie_button(rewards: RewardSet | None) -> bool:
    return st.button(
        "Find the shortest lie", icon=":material/content_cut:", disabled=rewards is None,
        key="lie_go", help=CLICKED_HELP,
    )  # fmt: skip


def search_and_keep(rewards: RewardSet, request: DryRunRequest, cases: list[ProbeCase]) -> None:
    """Says what is wrong where nothing could be searched."""
    try:
        with st.spinner("Searching for a lie …", show_time=True):
            report = search_lie(
                rewards, cases, TASKS.get(request.prompts.task), budget=Budget(SECONDS)
            )
    except RftError as error:
        st.session_state.pop(RESULT, None)
        show_error(error)
        return
    rows = tuple(case.row for case in cases)
    st.session_state[RESULT] = Searched(rewards.id, request.inputs, rows, report)


def show_lie(rewards: RewardSet | None, request: DryRunRequest) -> None:
    searched: Searched | None = st.session_state.get(RESULT)
    if searched is None:
        return
    if rewards is None or rewards.id != searched.rewards_id or request.inputs != searched.inputs:
        st.info("Something has changed since this search for a lie.", icon=":material/update:")
    report = searched.report
    for remark in report.remarks:
        st.warning(plain(remark), icon=":material/warning:")
    checked = f"Checked by {report.check}."
    if report.lie is None:
        st.info(plain(checked), title=report.summary, icon=":material/search_off:")
        return
    st.error(
        plain(f"{checked} It says: {report.lie.reason}"), title=report.summary,
        icon=":material/bug_report:",
    )  # fmt: skip
    _show_card(report.lie, searched.rows[report.lie.prompt])


def _show_card(lie: Lie, row: Any) -> None:
    generation_style()
    scored = Scored(lie.scores, lie.reward, lie.reasons, lie.flags)
    generation = as_generation(Completion(lie.completion, (), False), scored)
    title = f"The lie · full pay is {lie.full_pay:.3g}"
    show_completion(generation, title=title, reasons=True, unfolded=True)
    least = "Nothing can be left out of it." if lie.is_minimal else "It may be shortened further."
    shown = json.dumps(dict(row), ensure_ascii=False, default=str)
    shown = shown if len(shown) <= LONGEST_ROW else shown[:LONGEST_ROW] + " …"
    st.caption(plain(f"Found from {lie.origin}. {least} Prompt {lie.prompt + 1}: {shown}"))
