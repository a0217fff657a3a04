"""A run that cannot be read, as a card: why, and the way to be rid of it."""

import streamlit as st

from pages.components.page_header import plain
from pages.components.runs.actions import delete_button
from pages.components.runs.badge import state_badge
from rft_core.store.runs import UnreadableRun


def unreadable_card(run_id: str, name: str, sentence: str) -> None:
    """The same wherever the run would be shown. `sentence` is escaped here."""
    with st.container(border=True, key=f"unreadable-{run_id}"):
        words, actions = st.columns([9, 2], vertical_alignment="center", gap="medium")
        with words:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(name or run_id)}**", width="content")
                state_badge("unreadable")
            st.caption(f"{plain(sentence)} Its files in `{plain(run_id)}` are untouched.")
        with actions, st.container(horizontal=True, horizontal_alignment="right"):
            delete_button(run_id)


def describe_settings(run: UnreadableRun) -> str:
    """Of a run whose settings another version wrote."""
    return f"Its settings are not those of this version of RFT Studio: {run.problem}."
