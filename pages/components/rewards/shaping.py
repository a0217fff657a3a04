"""How a score counts: less where flagged, only if another is full, within bounds, by rank."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.components.page_header import plain
from pages.components.rewards.draft import RewardDraft

IN_GROUP = {
    "": "as it is",
    "rank": "by rank: worst 0, best 1",
    "min_max": "stretched: worst 0, best 1",
}
FLAG_HELP = "Any function of the set may flag a completion; every completion is checked for loops."
GATE_HELP = "Where that one gave less than 1, this score is 0. A penalty stays."
GROUP_HELP = "Compared with the other completions of the same prompt."


def edit_shaping(draft: RewardDraft, slot: str, others: Sequence[str]) -> dict[str, Any]:
    """What differs from the default, as fields of a RewardEntry. `others` can be gates."""
    shared: dict[str, Any] = {"persist_state": "session"}
    key = draft.key(slot, "only_if")
    gate = st.session_state.setdefault(key, "")
    gates = ["", *dict.fromkeys([*others, *([gate] if gate else [])])]  # also one that is gone
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("How it counts", icon=":material/tune:", type="tertiary", width="content"):
            st.caption("From the function's own score to the one that is weighted, in this order.")
            flagged = _number(
                "1 · Where a trick was flagged, it is", draft.key(slot, "when_flagged"),
                "unchanged", FLAG_HELP,
            )  # fmt: skip
            only_if = st.selectbox(
                "2 · It counts only if this one gives 1", gates, key=key, help=GATE_HELP,
                format_func=lambda name: plain(name) or "always", **shared,
            )  # fmt: skip
            left, right = st.columns(2)
            with left:
                low = _number("3 · Never below", draft.key(slot, "clip_low"), "no bound")
            with right:
                high = _number("and never above", draft.key(slot, "clip_high"), "no bound")
            in_group = st.selectbox(
                "4 · Within the group of its prompt", list(IN_GROUP), help=GROUP_HELP,
                key=draft.key(slot, "in_group"), format_func=IN_GROUP.__getitem__, **shared,
            )  # fmt: skip
        chosen = {
            "when_flagged": flagged, "only_if": only_if or "", "clip_low": low, "clip_high": high,
            "in_group": in_group or "",
        }  # fmt: skip
        shaping = {name: value for name, value in chosen.items() if value not in (None, "")}
        if shaping:
            st.caption(plain(describe_shaping(shaping)), width="stretch")
    return shaping


def describe_shaping(shaping: Mapping[str, Any]) -> str:
    """One line, in the order in which it is applied."""
    parts = []
    if "when_flagged" in shaping:
        parts.append(f"{shaping['when_flagged']:g} where flagged")
    if "only_if" in shaping:
        parts.append(f"only if {shaping['only_if']} gives 1")
    if "clip_low" in shaping:
        parts.append(f"at least {shaping['clip_low']:g}")
    if "clip_high" in shaping:
        parts.append(f"at most {shaping['clip_high']:g}")
    if "in_group" in shaping:
        parts.append(f"in its group {IN_GROUP[shaping['in_group']]}")
    return " · ".join(parts)


def _number(label: str, key: str, empty: str, help_text: str | None = None) -> float | None:
    return st.number_input(
        label, value=None, step=0.1, format="%g", key=key, help=help_text, placeholder=empty,
        persist_state="session",
    )  # fmt: skip
