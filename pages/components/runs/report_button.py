"""A run's report as a download: one HTML file, made when it is asked for."""

import streamlit as st

from rft_core.jobs.reporting import make_report
from rft_core.paths import get_runs_dir
from rft_core.store.run_reader import has_database
from rft_core.store.runs import RunRow


def report_button(run: RunRow) -> None:
    folder = get_runs_dir()
    st.download_button(
        "Report", lambda: make_report(folder, run.id).encode(), f"{run.id}.html", "text/html",
        icon=":material/summarize:", on_click="ignore", width="stretch",
        disabled=not has_database(folder, run.id),
        help="Curves, findings, best and worst generations, rewards and settings in one file that "
        f"opens anywhere. From the command line: python -m rft_core report {run.id} --to FILE.html",
    )  # fmt: skip
