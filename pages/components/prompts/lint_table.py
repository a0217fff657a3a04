"""Findings about prompts: a table of how bad, which row, what, and what to do."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.components.page_header import plain
from rft_core.data.lint import get_row
from rft_core.diagnosis.scorable import ROW_PROBLEMS
from rft_core.types import Problem

MOST_SHOWN = 300
WORDS = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "info": ("note", "notes"),
}
COLOURS = ["red", "orange", "blue"]


def show_findings(findings: Sequence[Problem]) -> None:
    """What concerns many rows at once, with examples, stands above the table and is read whole."""
    boxed = [finding for finding in findings if finding.kind in ROW_PROBLEMS]
    for finding in boxed:
        show = st.error if finding.severity == "error" else st.warning
        show(f"{plain(finding.what)}.  \n{plain(finding.fix)}.", icon=":material/rule:")
    listed = [finding for finding in findings if finding.kind not in ROW_PROBLEMS]
    if listed or not boxed:
        _show_listed(listed)


def _show_listed(findings: Sequence[Problem]) -> None:
    if not findings:
        st.success("Nothing suspicious in these prompts.", icon=":material/check_circle:")
        return
    counts = Counter(finding.severity for finding in findings)
    parts = [
        f"{counts[severity]:,} {word[counts[severity] != 1]}"
        for severity, word in WORDS.items()
        if counts[severity]
    ]
    st.markdown(f"**{', '.join(parts)}.** None of them keeps you from saving.")
    shown = findings[:MOST_SHOWN]
    frame = pd.DataFrame(
        {
            "": [[WORDS[finding.severity][0]] for finding in shown],
            "row": pd.array([get_row(finding) for finding in shown], dtype="Int64"),
            "what": [finding.what for finding in shown],
            "fix": [finding.fix for finding in shown],
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        placeholder="all",
        alt="What is suspicious about the prompts",
        column_config={
            "": st.column_config.MultiselectColumn(
                width=90, options=[word for word, _ in WORDS.values()], color=COLOURS
            ),
            "row": st.column_config.NumberColumn(width=60),
            "what": st.column_config.TextColumn(width="large"),
            "fix": st.column_config.TextColumn(width="large"),
        },
    )
    if len(findings) > len(shown):
        st.caption(f"The first {len(shown)} of {len(findings):,} findings.")
