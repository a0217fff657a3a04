"""What a run's preflight found, beside its curves: one sentence, and what is behind it."""

import streamlit as st

from pages.components.dry_run.preflight_examples import show_examples
from pages.components.dry_run.preflight_html import figures_html, warnings_html
from pages.components.dry_run.preflight_verdict import PREFLIGHT_STYLE, list_predicted
from pages.components.page_header import plain
from rft_core.diagnosis.preflight.report import Preflight
from rft_core.jobs.judging.judge import JudgedPreflight


def preflight_card(preflight: JudgedPreflight) -> None:
    """Quiet, whatever it says: where it still holds, the findings above say so aloud."""
    icon = "check_circle" if preflight.verdict.can_learn else "flight_takeoff"
    with st.container(border=True, key="preflight", gap="xsmall"):
        st.markdown(f":material/{icon}: **Preflight** · {plain(preflight.tried)}")
        st.caption(plain(preflight.sentence))
        with st.container(horizontal=True):
            _show_found(preflight.verdict)
            if examples := preflight.verdict.examples:
                with st.popover("What it wrote", type="tertiary", icon=":material/forum:"):
                    show_examples(examples)


def _show_found(verdict: Preflight) -> None:
    forecast, warnings = verdict.forecast, verdict.warnings
    if not forecast and not warnings:
        return
    with st.popover("What it found", type="tertiary", icon=":material/query_stats:"):
        st.html(PREFLIGHT_STYLE)
        if forecast:
            st.caption("What step 1 was expected to record; in 19 of 20 cases within the bars.")
            st.html(figures_html(list_predicted(verdict, forecast)))
        if warnings:
            st.html(warnings_html(warnings))
