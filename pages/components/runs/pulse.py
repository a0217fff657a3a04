"""Redraws parts of a page when something has changed, and only then.

The browser asks a small route for the revision of what the page shows: a few file times, no
script, no database. Only when it is another one does it let Streamlit run the named fragments. A
tab that nobody looks at does not ask; it catches up when it is looked at again.
"""

import streamlit as st

from pages.components.page_header import shown_errors
from pages.components.runs.pulse_route import LIVES_URL, URL, get_lives, get_revision
from pages.components.static_routes import component_shim

_mount = st.components.v2.component("rft_pulse", js=component_shim("pulse.js"))


# A fragment of its own, since what a fragment asks for waits for the script that runs: asked for
# by the page, a redraw would end that script, and with it the click that it was to answer.
@st.fragment
@shown_errors()
def redraw_on_change(*fragments: str, every: float, run: str = "") -> None:
    """Look every so many seconds whether the run (or, without one, any) has changed.

    `fragments` are keys of `st.fragment`. Call it once on a page, outside of them.
    """
    _mount(
        key="pulse",
        data={"url": URL, "run": run, "every": every, "revision": get_revision(run)},
        on_changed_change=lambda: st.rerun(list(fragments)),
    )


@st.fragment
@shown_errors()
def redraw_on_lives(*fragments: str, every: float) -> None:
    """The same when a worker has begun or ended, and at each beat: for what every page shows."""
    _mount(
        key="pulse-of-lives",
        data={"url": LIVES_URL, "run": "", "every": every, "revision": get_lives()},
        on_changed_change=lambda: st.rerun(list(fragments)),
    )
