"""Who rates: the signed-in account, or the name that a person gives where nobody signs in."""

import streamlit as st

from pages.components.access import get_person, is_sign_in_configured

KEY = ADDRESS = "rater"
LONGEST = 60  # characters


def rater_field() -> str:
    """Draw "Rated by"; the name, as judgements store it. It stands in the address as `?rater=`."""
    person = get_person()
    if is_sign_in_configured():
        st.text_input("Rated by", person, disabled=True, help="The account that is signed in.")
        return person
    st.session_state.setdefault(KEY, _clean(st.query_params.get(ADDRESS, "")))
    st.text_input(
        "Rated by", key=KEY, persist_state="session", max_chars=LONGEST, placeholder=person,
        help="Your name, where several people rate here: each has a count, repeated items and an "
        "undo of their own.",
    )  # fmt: skip
    name = _clean(st.session_state[KEY])
    if name:
        st.query_params[ADDRESS] = name
    else:
        st.query_params.pop(ADDRESS, None)
    return name or person


def _clean(name: str) -> str:
    """What is seen of it, on one line: it is stored with every judgement."""
    return "".join(sign for sign in name if sign.isprintable())[:LONGEST].strip()
