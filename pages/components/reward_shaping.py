"""How a grader's score counts: only if another is full, within bounds, by rank, less for tricks."""

from typing import Any

import streamlit as st

from pages.components.reward_draft import RewardDraft
from rft_core.rewards.shaping import IN_GROUP

GATE_HELP = "The name of another function: this score is 0 unless that one gave 1."
FLAG_HELP = "The score of a completion in which any function found a trick. Empty: no change."
LOW_HELP, HIGH_HELP = "Lowest score. Empty: no bound.", "Highest score. Empty: no bound."
GROUP_HELP = "Compare with the other completions of the same prompt, from 0 (worst) to 1 (best)."


def edit_shaping(draft: RewardDraft, slot: str) -> dict[str, Any]:
    """What differs from the default, as fields of a RewardEntry."""
    shared: dict[str, Any] = {"persist_state": "session"}
    with st.popover("How it counts", icon=":material/tune:", type="tertiary"):
        only_if = st.text_input(
            "Only if full", key=draft.key(slot, "only_if"), help=GATE_HELP, **shared
        )
        in_group = st.selectbox(
            "Within its group", ("", *IN_GROUP), key=draft.key(slot, "in_group"), help=GROUP_HELP,
            format_func=lambda how: how.replace("_", " ") or "as it is", **shared,
        )  # fmt: skip
        flagged = _number("Where flagged", draft.key(slot, "when_flagged"), FLAG_HELP)
        low = _number("At least", draft.key(slot, "clip_low"), LOW_HELP)
        high = _number("At most", draft.key(slot, "clip_high"), HIGH_HELP)
    chosen = {
        "only_if": (only_if or "").strip(), "in_group": in_group or "", "when_flagged": flagged,
        "clip_low": low, "clip_high": high,
    }  # fmt: skip
    return {name: value for name, value in chosen.items() if value not in (None, "")}


def _number(label: str, key: str, help_text: str) -> float | None:
    return st.number_input(
        label, value=None, step=0.1, format="%g", key=key, help=help_text, persist_state="session"
    )
