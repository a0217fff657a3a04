"""What is wrong with a run, and of a flat reward the ways out: buttons that set them up."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from pages.components.config_form import set_draft
from pages.components.dry_run.form import try_prompts
from pages.components.page_header import plain
from pages.components.prompts.draft import start_draft_from
from pages.components.rewards.draft import start_from_rewards
from rft_core.data import PromptSet
from rft_core.diagnosis.finding import Finding
from rft_core.diagnosis.ways_out import PROMPTS_TO_TRY, WayOut, change_run
from rft_core.errors import RftError
from rft_core.jobs.judging.judge import RunJudgement
from rft_core.paths import get_runs_dir
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow
from rft_core.store.sets import get_set

ICONS = {
    "longer": "width", "warm_up": "local_fire_department", "easier": "filter_alt",
    "partial_credit": "percent", "example": "format_quote",
}  # fmt: skip
FAILED = "way_out_failed"
AT_ONCE = 3  # cards; what else was found is folded


def show_findings(run: RunRow, judgement: RunJudgement, *, is_active: bool) -> None:
    """Worst first; nothing for a healthy run."""
    findings = judgement.findings
    if not findings:
        return
    shown, folded = findings[:AT_ONCE], findings[AT_ONCE:]
    grid = st.grid(len(shown), min_column_width=280, gap="small")
    for finding in shown:
        with grid.cell():
            _show_finding(run, finding)
    if folded:
        with st.expander(f"{len(folded)} more", icon=":material/stethoscope:", key="more-findings"):
            for finding in folded:
                _show_finding(run, finding)
    if judgement.ways_out:
        _show_ways_out(run, judgement, is_active)


def _show_finding(run: RunRow, finding: Finding) -> None:
    """A sentence and its cure; the arithmetic in a fold, and the way to what shows it."""
    show = {"error": st.error, "warning": st.warning, "info": st.info}[finding.severity]
    lines = f"**{plain(finding.title)}.** {plain(finding.summary)}  \n{plain(finding.fix)}"
    show(lines, icon=":material/stethoscope:")
    name = f"{finding.kind}-{finding.where}"
    with st.expander("Evidence", icon=":material/calculate:", key=f"evidence-{name}"):
        st.caption(plain(finding.evidence))
        if finding.missing:
            st.caption(f"Not known: {plain(', '.join(finding.missing))}.")
    if finding.generations:
        ids = ",".join(map(str, finding.generations))
        st.page_link(
            "generations.py", label=f"{len(finding.generations)} generations that show it",
            icon=":material/forum:", query_params={"run": run.id, "ids": ids},
        )  # fmt: skip


def show_radar(judgement: RunJudgement) -> None:
    """What watches for cheats, or why nothing can; an alarm is among the findings."""
    radar = judgement.radar
    if radar and not radar.finding:
        icon = "visibility_off" if radar.state == "no truth" else "radar"
        st.caption(f":material/{icon}: {plain(radar.sentence)}")


def _show_ways_out(run: RunRow, judgement: RunJudgement, is_active: bool) -> None:
    grid = st.grid(3, min_column_width=280, gap="small")
    for number, way in enumerate(judgement.ways_out):
        with grid.cell(), st.container(border=True, key=f"way-out-{way.name}", gap="xsmall"):
            clicked = st.button(
                way.title, key=f"begin-{way.name}", icon=f":material/{ICONS[way.name]}:",
                type="primary" if number == 0 else "secondary", width="stretch",
                on_click=_beginning(run, way),
            )  # fmt: skip
            st.caption(plain(way.what))
        if clicked and FAILED not in st.session_state:
            _go_to(run, way)
    if error := st.session_state.pop(FAILED, None):
        st.warning(plain(str(error)), icon=":material/error:")
    if is_active:
        st.caption(
            "Meanwhile this run learns nothing: stop it, or what you launch next may wait for it."
        )


def _beginning(run: RunRow, way: WayOut) -> Callable[[], None]:
    """A callback, as other pages' widgets can be filled only before they are drawn."""

    def begin() -> None:
        try:
            set_draft(change_run(run.config, way.settings).model_dump(mode="json"))
            if way.rewards is not None:
                start_from_rewards(way.rewards)
                try_prompts(run.config, PROMPTS_TO_TRY)
            if way.template is not None:
                start_draft_from(replace(_get_prompts(run), template=way.template))
        except RftError as error:
            st.session_state[FAILED] = error

    return begin


def _get_prompts(run: RunRow) -> PromptSet:
    with open_index(get_runs_dir()) as index:
        return PromptSet.from_json(get_set(index, "prompts", str(run.config.prompt_set)).content)


def _go_to(run: RunRow, way: WayOut) -> None:
    """The page on which it begins; Rewards with the run's own prompts."""
    asked = {"prompts": run.config.prompt_set} if way.place == "rewards" else {}
    st.switch_page(f"{way.place}.py", query_params={k: v for k, v in asked.items() if v})
