"""A part that is slow to draw, as on a busy machine, and is drawn anew at each pulse."""

import time

import streamlit as st

from pages.components.runs.pulse import redraw_on_change

st.session_state.setdefault("clicks", 0)


def live() -> None:
    time.sleep(0.5)
    if st.button("Count"):
        st.session_state.clicks += 1
    st.text(f"clicks: {st.session_state.clicks}")


st.fragment(live, key="live")()
redraw_on_change("live", every=1.0)
