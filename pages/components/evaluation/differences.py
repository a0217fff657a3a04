"""What differs between runs: their settings in a table, rewards and prompts as diffs."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.components.page_header import plain
from rft_core.config import write_setting
from rft_core.evaluation.comparison.run_comparison import ComparedPair
from rft_core.evaluation.comparison.settings import SettingDifference
from rft_core.evaluation.comparison.source_diff import PartDiff

NOT_READ, EMPTY = "–", "not set"
ICONS = {"added": "add_circle", "removed": "do_not_disturb_on", "changed": "difference"}


def show_settings(settings: Sequence[SettingDifference], labels: Sequence[str]) -> None:
    """A row for each setting that differs, a column for each run."""
    if not settings:
        st.success("No setting differs.", icon=":material/drag_handle:")
        return
    rows = [
        {"setting": plain(one.name)}
        | {
            plain(label): plain(write_setting(value)) or EMPTY if read else NOT_READ
            for label, value, read in zip(labels, one.values, one.is_read, strict=True)
        }
        for one in settings
    ]
    st.table(pd.DataFrame(rows).set_index("setting"), border="horizontal")
    if any(not all(one.is_read) for one in settings):
        st.caption(f"{NOT_READ} : a setting that the run's method never reads.")


def show_sources(pair: ComparedPair) -> None:
    """Rewards function by function, then prompts."""
    if pair.prompts:
        st.markdown(f"**Prompts differ.** {plain(pair.prompts.sentence)}")
        for part in pair.prompts.templates:
            _show_part(part, f"The {part.name} template")
    else:
        st.caption(":material/drag_handle: The same prompts.")
    if not pair.rewards:
        st.caption(":material/drag_handle: The same rewards.")
    for part in pair.rewards:
        _show_part(part, part.name)


def _show_part(part: PartDiff, title: str) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(title, width="content")
            st.badge(part.fate, icon=f":material/{ICONS[part.fate]}:", color="gray")
        if part.lines:
            st.code("\n".join(part.lines), language="diff", wrap_lines=True)
