"""A code editor, the text that Python holds, and how often it was asked to run."""

import streamlit as st

from pages.components.rewards.code_editor import Marker, code_editor

FIRST = "def reward(completions, **kwargs):\n    return [0.0 for _ in completions]\n"
SECOND = "# another version\n"

value = SECOND if st.toggle("Second version") else FIRST
if st.toggle("Show editor", value=True):
    markers = [Marker(1, "kwargs is unused", "warning")] if value == FIRST else []
    result = code_editor("editor", value, label="Reward source", markers=markers)
    st.session_state.runs = st.session_state.get("runs", 0) + result.run_requested
    st.text(f"runs: {st.session_state.runs}")
    st.code(result.text)
