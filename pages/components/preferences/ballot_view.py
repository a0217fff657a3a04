"""A ballot on the page: the answers side by side, judged by keys or by clicks.

Buttons stand above the answers, so that they stay where they are while texts differ in length. Keys
are heard by a small component and not by Streamlit's button shortcuts: two keys pressed quickly
arrive there as two clicks without an order, and would make a ranking that nobody meant.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from pages.components.completions.completion_html import prompt_html
from pages.components.page_header import show_error
from pages.components.preferences.answer_html import answer_card
from pages.components.preferences.ballot import (
    PLACES,
    REST,
    SKIP,
    TIE,
    UNDO,
    Ballot,
    BallotItem,
)
from pages.components.static_routes import component_shim
from rft_core.errors import RftError
from rft_core.paths import get_runs_dir
from rft_core.store.index import open_index
from rft_core.store.preferences import Judgement, add_judgement

STATE = "ballot"
ERROR = "ballot_error"
_mount = st.components.v2.component("rft_ballot_keys", js=component_shim("ballot_keys.js"))


@dataclass(frozen=True)
class _Typed:
    """The ballot of an item, and how many of the browser's keys, of one visit, are in it."""

    item: str
    ballot: Ballot
    source: str = ""
    heard: int = 0


def show_ballot(
    item: BallotItem,
    rater: str,
    on_judged: Callable[[Judgement], None],
    on_undo: Callable[[], None] | None = None,
) -> None:
    """Draw it for `rater`. `on_judged` is told in a callback, after the judgement was stored.

    `on_undo`: what U does on an empty ballot, where there is something to take back.
    """
    count = len(item.shown.answers)
    ballot = _state(item).ballot

    def press(keys: str) -> None:
        for key in keys:
            _press(item, rater, key, on_judged, on_undo)

    def hear() -> None:
        """All keys typed since this item came; those already heard are left out."""
        told = st.session_state["ballot-keys"]["typed"] or {}
        if told.get("item") != item.id:
            return
        state, keys = _state(item), told["keys"]
        new = keys[state.heard :] if told["source"] == state.source else keys
        st.session_state[STATE] = _Typed(item.id, state.ballot, told["source"], len(keys))
        press(new)

    if error := st.session_state.pop(ERROR, None):
        show_error(error)
    _mount(
        key="ballot-keys",
        data={"item": item.id, "keys": PLACES[:count] + TIE + REST + SKIP + UNDO},
        on_typed_change=hear,
    )  # fmt: skip
    st.html(prompt_html(item.shown.messages[-1]["content"]))
    _show_moves(ballot, press, can_undo=bool(ballot.keys) or on_undo is not None)
    for at, (answer, column) in enumerate(zip(item.shown.answers, st.columns(count), strict=True)):
        with column:
            _show_choice(ballot, at, press)
            title = "" if item.shown.blind else answer.lane
            st.html(answer_card(answer, title=title, place=ballot.place_of(at)))


def _show_choice(ballot: Ballot, at: int, press: Callable[[str], None]) -> None:
    key, letter = PLACES[at], chr(65 + at)
    label = f"{letter} is better" if ballot.count == 2 else letter
    st.button(
        f"{label} :gray-badge[{key}]", key=f"ballot-{key}", width="stretch",
        disabled=not ballot.allows(key), on_click=press, args=(key,),
        type="primary" if ballot.place_of(at) == 1 else "secondary",
    )  # fmt: skip


def _show_moves(ballot: Ballot, press: Callable[[str], None], *, can_undo: bool) -> None:
    rest = "Tie" if ballot.count == 2 else "The rest are equal" if ballot.keys else "All equal"
    moves = [
        (TIE, "Tie with the next", "join_inner", ballot.allows(TIE)),
        (REST, rest, "equal", ballot.allows(REST)),
        (SKIP, "Skip", "skip_next", ballot.allows(SKIP)),
        (UNDO, "Undo", "undo", can_undo),
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for key, label, icon, is_allowed in moves:
            if key == TIE and ballot.count == 2:
                continue
            st.button(
                f"{label} :gray-badge[{key.upper()}]", key=f"ballot-{key}",
                icon=f":material/{icon}:", disabled=not is_allowed, on_click=press, args=(key,),
                type="primary" if key == TIE and ballot.is_joining else "tertiary",
            )  # fmt: skip


def _press(
    item: BallotItem,
    rater: str,
    key: str,
    on_judged: Callable[[Judgement], None],
    on_undo: Callable[[], None] | None,
) -> None:
    state = _state(item)
    if state.ballot.is_complete:
        return  # it has been judged, and the next item is on its way
    if key == UNDO and not state.ballot.keys:
        if on_undo:
            on_undo()
        return
    ballot = state.ballot.press(key)
    st.session_state[STATE] = replace(state, ballot=ballot)
    if ballot.is_complete:
        try:
            on_judged(_store(item, rater, ballot))
        except RftError as error:  # shown when the page is drawn; the ballot is as it was before
            st.session_state[STATE] = state
            st.session_state[ERROR] = error


def _store(item: BallotItem, rater: str, ballot: Ballot) -> Judgement:
    judgement = Judgement(
        id=item.id, who=rater, seconds=round(time.time() - item.ready_at, 2),
        shown=item.shown, ranks=ballot.ranks, rest_equal=ballot.is_rest_equal, run=item.run,
        repeats=item.repeats,
    )  # fmt: skip
    with open_index(get_runs_dir()) as index:
        add_judgement(index, judgement)
    return judgement


def _state(item: BallotItem) -> _Typed:
    state: _Typed | None = st.session_state.get(STATE)
    if state is None or state.item != item.id:
        state = _Typed(item.id, Ballot(len(item.shown.answers)))
        st.session_state[STATE] = state
    return state
