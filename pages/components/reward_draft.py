"""The rewards a user works on until they are saved as a version. Kept for the session.

A draft is a list of built-in graders and at most one Python source. Widgets of a draft have keys
that begin with its id; beginning another one keeps the last, so that no work is lost by a click.
"""

import uuid
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from rft_core.errors import BadInputError
from rft_core.rewards.contract import PYTHON_GRADER, SHAPING, RewardEntry, RewardSet
from rft_core.rewards.graders import GRADERS
from rft_core.rewards.python_source import STARTER_SOURCE, inspect_source

KEY, PREVIOUS = "reward_draft", "reward_draft_previous"


@dataclass(frozen=True)
class RewardDraft:
    """`graders` are the ids of its rows. `source` is what the editor begins with; "": no Python."""

    id: str
    name: str
    graders: tuple[str, ...]
    source: str

    def key(self, *parts: str) -> str:
        return "-".join((self.id, *parts))


def get_reward_draft() -> RewardDraft | None:
    return st.session_state.get(KEY)


def start_from_rewards(rewards: RewardSet, name: str = "") -> None:
    """Raises BadInputError for a set that this page cannot show as it is."""
    python = [entry for entry in rewards.entries if entry.grader == PYTHON_GRADER]
    sources = {entry.source or "" for entry in python}
    if len(sources) > 1 or any(entry.function != entry.name or entry.shaping for entry in python):
        raise BadInputError(
            "This reward set cannot be edited here",
            "it holds several Python sources, renames their functions, or shapes their scores",
            "Runs can still use it; edit a copy as a file, and upload that",
        )
    source = sources.pop() if sources else ""
    graders = [entry for entry in rewards.entries if entry.grader != PYTHON_GRADER]
    draft = _begin(name or rewards.name, graders, source)
    defaults = inspect_source(source).weights or {}
    for entry in python:
        key = weight_key(draft, entry.name, defaults.get(entry.name, 1.0))
        st.session_state[key] = entry.weight


def start_from_source(source: str, name: str) -> None:
    """Begin with Python alone, which may still have mistakes."""
    _begin(name, [], source)


def start_from_previous() -> None:
    """Swap the draft with the one before it."""
    st.session_state[KEY], st.session_state[PREVIOUS] = (
        st.session_state[PREVIOUS],
        st.session_state[KEY],
    )


def has_previous() -> bool:
    return st.session_state.get(PREVIOUS) is not None


def add_grader(draft: RewardDraft, grader: str) -> None:
    slot = _new_slot(draft, RewardEntry(_free_name(draft, grader), grader))
    st.session_state[KEY] = replace(draft, graders=(*draft.graders, slot))


def remove_grader(draft: RewardDraft, slot: str) -> None:
    left = tuple(other for other in draft.graders if other != slot)
    st.session_state[KEY] = replace(draft, graders=left)


def add_python(draft: RewardDraft) -> None:
    st.session_state[KEY] = replace(draft, source=STARTER_SOURCE)


def remove_python(draft: RewardDraft) -> None:
    """The whole draft, source included, stays within reach as the previous one."""
    st.session_state[PREVIOUS] = draft
    st.session_state[KEY] = replace(draft, source="")


def weight_key(draft: RewardDraft, function: str, default: float) -> str:
    """Where a function's weight is kept: editing its WEIGHTS in the source begins it anew."""
    return draft.key("weight", function, f"{default:g}")


def option_key(draft: RewardDraft, slot: str, grader: str, option: str) -> str:
    return draft.key(slot, grader, option)


def _begin(name: str, graders: list[RewardEntry], source: str) -> RewardDraft:
    draft = RewardDraft(f"rewards-{uuid.uuid4().hex[:8]}", name, (), source)
    slots = tuple(_new_slot(draft, entry) for entry in graders)
    draft = replace(draft, graders=slots)
    if get_reward_draft() is not None:
        st.session_state[PREVIOUS] = get_reward_draft()
    st.session_state[KEY] = draft
    return draft


def _new_slot(draft: RewardDraft, entry: RewardEntry) -> str:
    """A row's id; its widgets begin with the entry's values."""
    slot = uuid.uuid4().hex[:6]
    values: dict[str, Any] = {"name": entry.name, "grader": entry.grader, "weight": entry.weight}
    for part, value in values.items():
        st.session_state[draft.key(slot, part)] = value
    for name in SHAPING:
        st.session_state[draft.key(slot, name)] = getattr(entry, name)
    for option in GRADERS[entry.grader].options:
        key = option_key(draft, slot, entry.grader, option.name)
        st.session_state[key] = entry.options.get(option.name, option.default)
    return slot


def _free_name(draft: RewardDraft, wanted: str) -> str:
    taken = {st.session_state.get(draft.key(slot, "name")) for slot in draft.graders}
    names = [wanted, *(f"{wanted}_{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
