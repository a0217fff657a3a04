"""What pages that read like a workflow share: numbered sections, remembered results, waiting."""

from collections.abc import Callable
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.page_header import plain
from rft_core.sampling.service.messages import LoadProgress

T = TypeVar("T")


def section(number: int, title: str, subtitle: str) -> None:
    """The head of one step of the workflow."""
    st.space("small")
    with st.container(gap="xsmall"):
        st.subheader(f":primary-badge[{number}] {title}", anchor=False)
        st.caption(subtitle)


def remembered(slot: str, inputs: object, compute: Callable[[], T]) -> T:
    """`compute()`, kept for the session until `inputs` change. One result is kept per slot."""
    known = st.session_state.get(slot)
    if known is None or known[0] != inputs:
        known = (inputs, compute())
        st.session_state[slot] = known
    return known[1]


def progress_into(place: DeltaGenerator) -> Callable[[LoadProgress], None]:
    """A callback that shows what is being waited for in `place`, an `st.empty()`."""

    def show(progress: LoadProgress) -> None:
        text = plain(progress.message[:1].upper() + progress.message[1:])
        if progress.fraction is None:
            place.caption(f":material/hourglass_top: {text} …")
        else:
            place.progress(min(max(progress.fraction, 0.0), 1.0), text=text)

    return show
