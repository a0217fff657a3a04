"""Redraws parts of a page when something has changed, and only then.

The browser asks a small route for the revision of what the page shows: a few file times, no
script, no database. Only when it is another one does it let Streamlit run the named fragments. A
tab that nobody looks at does not ask; it catches up when it is looked at again.
"""

import streamlit as st

from pages.components.page_header import shown_errors
from pages.components.runs.pulse_route import URL, get_revision
from pages.components.static_routes import component_shim

_mount = st.components.v2.component("rft_pulse", js=component_shim("pulse.js"))


# A fragment of its own, since what a fragment asks for waits for the script that runs: asked for
# by the page, a redraw would end that script, and with it the click that it was to answer.
@st.fragment
@shown_errors()
def redraw_on_change(*fragments: str, every: float, run: str = "", key: str = "pulse") -> None:
    """Look every so many seconds whether the run (or, without one, any) has changed.

    `fragments` are keys of `st.fragment`. Call it once on a page (with each `key`), outside of
    them.
    """
    _mount(
        key=key,
        data={"url": URL, "run": run, "every": every, "revision": get_revision(run)},
        on_changed_change=lambda: st.rerun(list(fragments)),
    )
