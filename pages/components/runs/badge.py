"""How a run's state looks everywhere: one word, one colour, one icon."""

import streamlit as st

STATE_LOOKS: dict[str, tuple[str, str]] = {
    "queued": ("gray", "hourglass_empty"),
    "starting": ("blue", "rocket_launch"),
    "running": ("green", "play_circle"),
    "stopping": ("orange", "stop_circle"),
    "needs_attention": ("orange", "priority_high"),
    "stopped": ("gray", "stop_circle"),
    "finished": ("violet", "check_circle"),
    "failed": ("red", "error"),
    "crashed": ("red", "bolt"),
    "unreadable": ("gray", "help"),
}


def state_badge(state: str) -> None:
    colour, icon = STATE_LOOKS[state]
    st.badge(state.replace("_", " "), color=colour, icon=f":material/{icon}:")
