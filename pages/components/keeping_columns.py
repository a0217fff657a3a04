"""Sees to it that a long run which somebody looks at is soon read in columns."""

import streamlit as st

from rft_core.jobs.column_building import ensure_columns
from rft_core.paths import get_runs_dir


def keep_columns(run_id: str) -> None:
    """Begin in the background what the supervisor has not: of runs that ended before it could."""
    _look(str(get_runs_dir()), run_id)


@st.cache_data(ttl=15, max_entries=100, show_spinner=False)
def _look(runs_dir: str, run_id: str) -> None:
    """Now and then, whoever looks: each look opens the run."""
    ensure_columns(get_runs_dir(), run_id)
