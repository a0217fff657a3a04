"""Chat: talk to runs and checkpoints side by side, rate what they answer, use the judgements."""

from pathlib import Path

import streamlit as st

from pages.components.chat.lanes import pick_lanes
from pages.components.chat.rate import Asking, rate
from pages.components.chat.settings import rate_settings, sampling_settings, talk_settings
from pages.components.chat.talk import talk
from pages.components.completions.view import generation_style
from pages.components.page_header import page_header, shown_errors
from pages.components.preferences.judgements import show_preferences
from pages.components.runs.picker import pick_run
from rft_core.data import PromptSet
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.sets import get_set

TALK, RATE, PREFERENCES = VIEWS = ("Talk", "Rate", "Preferences")


def main() -> None:
    page_header("Chat", "Ask runs and checkpoints side by side, and say which answer is better.")
    generation_style()
    view = pick_view()
    if view == PREFERENCES:
        show_preferences()
        return
    left, middle, right = st.columns([4, 4, 4], vertical_alignment="bottom")
    with left:
        run = pick_run()
    with middle:
        lanes = pick_lanes(run)
    first, second = right.columns(2)
    with first:
        params = sampling_settings(run)
    with shown_errors():
        prompts = load_prompts(get_runs_dir(), str(run.config.prompt_set))
        known = run.config.reward_set  # a run that learns from examples may have none
        rewards = load_rewards(get_runs_dir(), known) if known else None
    if view == RATE:
        with second:
            settings = rate_settings()
        rate(Asking(run.id, tuple(lanes), params, settings, prompts))
        return
    with second:
        conversation = talk_settings()
    talk(run.id, lanes, params, conversation, prompts=prompts, rewards=rewards)


def pick_view() -> str:
    """In the address as `?view=`, by hand: a bound widget would keep the page from being left."""

    def remember() -> None:
        st.query_params["view"] = st.session_state["chat_view"]

    wanted = st.query_params.get("view")
    st.session_state["chat_view"] = wanted if wanted in VIEWS else TALK
    view = st.segmented_control(
        "View", VIEWS, required=True, key="chat_view", on_change=remember,
        label_visibility="collapsed",
    )  # fmt: skip
    return str(view)


@st.cache_resource(max_entries=4, show_spinner=False)
def load_prompts(runs_dir: Path, set_id: str) -> PromptSet:
    """Read and checked once: a stored set never changes."""
    with open_index(runs_dir) as index:
        return PromptSet.from_json(get_set(index, "prompts", set_id).content)


@st.cache_resource(max_entries=4, show_spinner=False)
def load_rewards(runs_dir: Path, set_id: str) -> RewardSet:
    with open_index(runs_dir) as index:
        return RewardSet.from_json(get_set(index, "rewards", set_id).content)


main()
