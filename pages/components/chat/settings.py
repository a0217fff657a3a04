"""What Chat's popovers set: sampling, the conversation, and how answers are judged."""

from dataclasses import dataclass, replace

import streamlit as st

from pages.components.config_form import field_bounds
from pages.components.page_header import plain, shown_errors
from pages.components.preferences.rater import rater_field
from rft_core.paths import get_runs_dir
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import SamplingParams
from rft_core.store.preferences import FEWEST_ANSWERS, MOST_ANSWERS
from rft_core.store.runs import RunRow

VALIDATION, TRAINING = "validation", "training"


@dataclass(frozen=True)
class TalkSettings:
    """`votes`: answers are to be judged as they come. `blind`: without names, in random order.
    `rater`: by whom.
    """

    system: str
    votes: bool
    blind: bool
    rater: str


@dataclass(frozen=True)
class RateSettings:
    """`count` answers to each prompt, of the `split`'s rows, judged by `rater`."""

    count: int
    split: str
    blind: bool
    rater: str


def sampling_settings(run: RunRow) -> SamplingParams:
    with st.popover("Sampling", icon=":material/tune:", width="stretch"):
        hottest = float(field_bounds("temperature")[1])
        temperature = st.slider("Temperature (0: greedy)", 0.0, hottest, 1.0, 0.05)
        longest = st.number_input(
            "Longest answer, tokens", *field_bounds("max_completion_length"),
            run.config.max_completion_length,
        )  # fmt: skip
        seed = st.number_input("Seed, the same for every lane", 0, 2**31 - 1, 0)
        _show_service()
    params = SamplingParams.of(run.config, int(seed))
    return replace(params, temperature=temperature, max_completion_length=int(longest))


def talk_settings() -> TalkSettings:
    with st.popover("Conversation", icon=":material/forum:", width="stretch"):
        system = st.text_area(
            "System message", key="chat_system", persist_state="session", height=100,
            placeholder="none",
            help="Goes before the first message of a conversation. A row brings its own.",
        )  # fmt: skip
        votes = st.toggle(
            "Vote on the answers", key="chat_votes", persist_state="session",
            help="Judge each turn's answers. All lanes then go on with the one that came first, so "
            "that the next answers can be compared too.",
        )  # fmt: skip
        blind = st.toggle(
            "Blind", value=True, key="chat_blind", persist_state="session", disabled=not votes,
            help="In random order and without names until you have judged.",
        )  # fmt: skip
        rater = rater_field()
    return TalkSettings(system, votes, blind, rater)


def rate_settings() -> RateSettings:
    with st.popover("Rating", icon=":material/leaderboard:", width="stretch"):
        count = st.segmented_control(
            "Answers to each prompt", list(range(FEWEST_ANSWERS, MOST_ANSWERS + 1)),
            default=FEWEST_ANSWERS, required=True, key="rate_count", persist_state="session",
            help="Of one lane: samples that differ. Of several: each answers in turn.",
        )  # fmt: skip
        split = st.segmented_control(
            "Prompts", [VALIDATION, TRAINING], default=VALIDATION, required=True,
            key="rate_split", persist_state="session",
            help="What is trained on these judgements has seen their prompts: choose training rows "
            "where the validation rows are to stay unseen.",
        )  # fmt: skip
        blind = st.toggle(
            "Blind", value=True, key="rate_blind", persist_state="session",
            help="In random order and without names until you have judged.",
        )  # fmt: skip
        rater = rater_field()
    return RateSettings(int(count or FEWEST_ANSWERS), str(split), blind, rater)


def _show_service() -> None:
    """Which model is kept in memory for the next question, and a way to have the memory back."""
    client = GenerationClient(get_runs_dir())
    with shown_errors():
        status = client.status()
        if status is None:
            return
        held = f"keeps {plain(status.model)} in memory" if status.model else "keeps no model"
        st.caption(f"The generation service {held} ({status.memory_bytes / 1e9:.1f} GB in all).")
        if st.button("Free the memory", icon=":material/memory:", width="stretch"):
            client.stop()
            st.rerun()
