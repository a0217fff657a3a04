"""Chat: one question, answered side by side by the base and by tuned checkpoints, and scored.

Every question stands alone: what a run trained on are single questions, and the lanes would soon
be talking about different things.
"""

import json
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.completions.answer_lanes import (
    ask,
    forget_unfinished,
    show_exchange,
    show_unfinished,
)
from pages.components.completions.view import generation_style
from pages.components.config_form import field_bounds
from pages.components.page_header import page_header, plain, show_error, shown_errors
from pages.components.runs.picker import pick_run
from rft_core.data import PromptSet
from rft_core.errors import BadInputError, RftError
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import RewardSet
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import Lane, SamplingParams
from rft_core.sampling.settings import find_obstacle, run_settings
from rft_core.store.adapters import StoredAdapter, list_adapters
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow
from rft_core.store.sets import get_set
from rft_core.tasks import TASKS
from rft_core.types import Messages, Row

MOST_TUNED_LANES = 3
HISTORY = "chat_history"
LONGEST_LABEL = 40


def main() -> None:
    page_header("Chat", "The same question to the base and the tuned model, with the same seed.")
    generation_style()
    left, middle, right = st.columns([3, 3, 1], vertical_alignment="bottom")
    with left:
        run = pick_run()
    with middle:
        tuned = pick_checkpoints(run)
    with right:
        params = sampling_settings(run)
    lanes = [Lane("base"), *(Lane(adapter.label, adapter.path) for adapter in tuned)]
    with shown_errors():
        prompts = load_prompts(get_runs_dir(), str(run.config.prompt_set))
        rewards = load_rewards(get_runs_dir(), str(run.config.reward_set))
    for exchange in st.session_state.get(HISTORY, []):
        show_exchange(exchange)
    question = pick_question(prompts)
    if question is None:
        show_unfinished()
        return
    messages, row = question
    try:
        answered = ask(
            make_client(run),
            model=run.config.model,
            messages=messages,
            row=row,
            lanes=lanes,
            params=params,
            rewards=rewards,
        )
    except RftError as error:
        show_error(error)
        return
    st.session_state.setdefault(HISTORY, []).append(answered)
    st.rerun()


@st.cache_resource(max_entries=4, show_spinner=False)
def load_prompts(runs_dir: Path, set_id: str) -> PromptSet:
    """Read and checked once: a stored set never changes."""
    with open_index(runs_dir) as index:
        return PromptSet.from_json(get_set(index, "prompts", set_id).content)


@st.cache_resource(max_entries=4, show_spinner=False)
def load_rewards(runs_dir: Path, set_id: str) -> RewardSet:
    with open_index(runs_dir) as index:
        return RewardSet.from_json(get_set(index, "rewards", set_id).content)


def make_client(run: RunRow) -> GenerationClient:
    """In the run's own precision and, where it can work here, by its own engine."""
    settings = run_settings(run.config)
    if obstacle := find_obstacle(run.config.engine):
        st.caption(f"{obstacle}: {settings.engine} answers in place of {run.config.engine}.")
    return GenerationClient(get_runs_dir(), settings)


def pick_checkpoints(run: RunRow) -> list[StoredAdapter]:
    """Up to three; the newest is chosen until the user says otherwise."""
    with shown_errors():
        adapters = {str(a.path): a for a in list_adapters(get_runs_dir(), run.id)}
    if not adapters:
        st.info("No checkpoint yet: only the base can answer.", icon=":material/hourglass_empty:")
        return []
    chosen = st.multiselect(
        "Tuned lanes", list(adapters), default=list(adapters)[:1], key=f"lanes-{run.id}",
        max_selections=MOST_TUNED_LANES, format_func=lambda path: adapters[path].label,
    )  # fmt: skip
    return [adapters[path] for path in chosen]


def sampling_settings(run: RunRow) -> SamplingParams:
    with st.popover("Sampling", icon=":material/tune:", width="stretch"):
        hottest = float(field_bounds("temperature")[1])
        temperature = st.slider("Temperature (0: greedy)", 0.0, hottest, 1.0, 0.05)
        longest = st.number_input(
            "Longest answer, tokens", *field_bounds("max_completion_length"),
            run.config.max_completion_length,
        )  # fmt: skip
        seed = st.number_input("Seed, the same for every lane", 0, 2**31 - 1, 0)
        show_service()
    return SamplingParams(
        temperature=temperature, max_completion_length=int(longest), seed=int(seed)
    )


def show_service() -> None:
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


def pick_question(prompts: PromptSet) -> tuple[Messages, dict[str, Any]] | None:
    """The messages to send and the row to score them against ({} for free text)."""
    example, sample, clear = st.columns([3, 3, 1])
    with example:
        row = TASKS[prompts.task].example_row if prompts.task in TASKS else None
        if row and st.button(_label_row(row), icon=":material/bolt:", width="stretch"):
            return _ask_row(prompts, dict(row))
    with sample:
        rows = prompts.validation_rows or prompts.rows
        if st.button("A validation prompt", icon=":material/casino:", width="stretch"):
            turn = len(st.session_state.get(HISTORY, []))
            return _ask_row(prompts, rows[turn % len(rows)])
    with clear:
        if st.button("Clear", icon=":material/delete_sweep:", type="tertiary"):
            st.session_state.pop(HISTORY, None)
            forget_unfinished()
            st.rerun()
    text = st.chat_input(f"A question, or a row such as {json.dumps(prompts.rows[0])[:70]}")
    if not text:
        return None
    try:
        return _ask_row(prompts, _read_row(text)) if text.lstrip().startswith("{") else (
            [{"role": "user", "content": text}], {}
        )  # fmt: skip
    except RftError as error:
        show_error(error)
        return None


def _ask_row(prompts: PromptSet, row: dict[str, Any]) -> tuple[Messages, dict[str, Any]]:
    return prompts.template.render(row), row


def _label_row(row: Row) -> str:
    """The columns of the example, as long as a button has room."""
    text = " → ".join(str(value).strip("[]") for value in row.values())
    return plain(text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…")


def _read_row(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError as error:
        raise BadInputError(
            "This starts like a row but is not JSON", str(error), 'Write {"column": value, ...}'
        ) from error


main()
