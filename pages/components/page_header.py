"""The top of every page: its title, one sentence, and the errors people are meant to read."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from rft_core.errors import RftError


def page_header(title: str, subtitle: str) -> None:
    st.title(title, anchor=False)
    st.caption(subtitle)


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show an `RftError` in place (what, why, what to do) and end the page there.

    Around a page as a whole it stands in `navigation.py`. What runs by itself, a fragment or a
    dialog, is decorated with it.
    """
    try:
        yield
    except RftError as error:
        show_error(error)
        st.stop()


def show_error(error: RftError) -> None:
    parts = [f"**{plain(error.what)}**", *(plain(p) for p in (error.why, error.fix) if p)]
    st.error("  \n".join(parts), icon=":material/error:")


def plain(text: str) -> str:
    """Text that people or models wrote, escaped: Markdown reads nothing into it."""
    for character in "\\`*_[]$<>:~#":
        text = text.replace(character, "\\" + character)
    return text
