"""The rewards a user works on until they are saved as a version. `kept_draft.py` keeps them.

A draft is a list of parts, in the order of the reward set: a built-in grader, or a Python source
with the functions found in it. Widgets of a draft have keys that begin with its id; beginning
another one keeps the last, so that no work is lost by a click.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from rft_core.errors import BadInputError
from rft_core.rewards.contract import PYTHON_GRADER, SHAPING, RewardEntry, RewardSet
from rft_core.rewards.exchange.openai_graders import ADAPTER_MARK
from rft_core.rewards.python_source import STARTER_SOURCE, inspect_source
from rft_core.rewards.registry import GRADERS, check_entry

KEY, PREVIOUS = "reward_draft", "reward_draft_previous"


@dataclass(frozen=True)
class Part:
    """A grader's row, or Python: `source` is what its editor begins with.

    `names`: what functions are called in the reward set, where that is not their own name.
    `adapter` follows below what is edited: it calls OpenAI's `grade(sample, item)`.
    """

    slot: str
    source: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    adapter: str = ""


@dataclass(frozen=True)
class RewardDraft:
    id: str
    name: str
    parts: tuple[Part, ...] = ()

    @property
    def has_python(self) -> bool:
        return any(part.source is not None for part in self.parts)

    def key(self, *parts: str) -> str:
        return "-".join((self.id, *parts))


def get_reward_draft() -> RewardDraft | None:
    return st.session_state.get(KEY)


def start_from_rewards(rewards: RewardSet, name: str = "") -> None:
    """Raises BadInputError for a set that this page cannot show as it is."""
    called = [(e.source, e.function) for e in rewards.entries if e.grader == PYTHON_GRADER]
    if len(set(called)) < len(called):
        raise BadInputError(
            "This reward set cannot be edited here",
            "two of its rewards are the same Python function",
            "Runs can still use it; export it, edit that file, and import it",
        )
    draft = _new_draft(name or rewards.name)
    parts: list[Part] = []
    sources: list[str | None] = []
    for entry in rewards.entries:
        if entry.grader != PYTHON_GRADER:
            check_entry(entry)  # no widget shows a number out of its bounds
            parts.append(_grader_part(draft, entry))
        elif entry.source not in sources:
            sources.append(entry.source)
            same = [other for other in rewards.entries if other.source == entry.source]
            parts.append(_python_part(draft, same))
    st.session_state[draft.key("truth")] = list(rewards.truth)
    _begin(replace(draft, parts=tuple(parts)))


def start_from_source(source: str, name: str) -> None:
    """Begin with Python alone, which may still have mistakes."""
    draft = _new_draft(name)
    _begin(replace(draft, parts=(Part(_new_slot(), source),)))


def put_back_draft(draft: RewardDraft, *, is_current: bool) -> None:
    """One of an earlier session: as what is worked on, or within reach as what was before it."""
    st.session_state[KEY if is_current else PREVIOUS] = draft


def start_from_previous() -> None:
    """Swap the draft with the one before it."""
    st.session_state[KEY], st.session_state[PREVIOUS] = (
        st.session_state[PREVIOUS],
        st.session_state[KEY],
    )


def has_previous() -> bool:
    return st.session_state.get(PREVIOUS) is not None


def add_grader(draft: RewardDraft, grader: str) -> None:
    part = _grader_part(draft, RewardEntry(_free_name(draft, grader), grader))
    st.session_state[KEY] = replace(draft, parts=(*draft.parts, part))


def add_python(draft: RewardDraft) -> None:
    part = Part(_new_slot(), STARTER_SOURCE)
    st.session_state[KEY] = replace(draft, parts=(*draft.parts, part))


def remove_part(draft: RewardDraft, part: Part) -> None:
    """The whole draft stays within reach as the previous one where a source goes."""
    if part.source is not None:
        st.session_state[PREVIOUS] = draft
    left = tuple(other for other in draft.parts if other != part)
    st.session_state[KEY] = replace(draft, parts=left)


def weight_key(draft: RewardDraft, slot: str, function: str, default: float) -> str:
    """Where a function's weight is kept: editing its WEIGHTS in the source begins it anew."""
    return draft.key(slot, "weight", function, f"{default:g}")


def option_key(draft: RewardDraft, slot: str, grader: str, option: str) -> str:
    return draft.key(slot, grader, option)


def _new_draft(name: str) -> RewardDraft:
    return RewardDraft(f"rewards-{uuid.uuid4().hex[:8]}", name)


def _new_slot() -> str:
    return uuid.uuid4().hex[:6]


def _begin(draft: RewardDraft) -> None:
    if get_reward_draft() is not None:
        st.session_state[PREVIOUS] = get_reward_draft()
    st.session_state[KEY] = draft


def _grader_part(draft: RewardDraft, entry: RewardEntry) -> Part:
    """A grader's row; its widgets begin with the entry's values."""
    slot = _new_slot()
    values: dict[str, Any] = {"name": entry.name, "grader": entry.grader, "weight": entry.weight}
    for name, value in values.items():
        st.session_state[draft.key(slot, name)] = value
    _set_shaping(draft, slot, entry)
    for option in GRADERS[entry.grader].options:
        key = option_key(draft, slot, entry.grader, option.name)
        st.session_state[key] = entry.options.get(option.name, option.default)
    return Part(slot)


def _python_part(draft: RewardDraft, entries: list[RewardEntry]) -> Part:
    """A source of which these are the rewards; its other functions have no weight."""
    slot, source = _new_slot(), entries[0].source or ""
    report = inspect_source(source)
    chosen = {entry.function: entry for entry in entries}
    for function in report.functions:
        entry = chosen.get(function)
        key = weight_key(draft, slot, function, (report.weights or {}).get(function, 1.0))
        st.session_state[key] = entry.weight if entry else None
        if entry:
            _set_shaping(draft, f"{slot}-{function}", entry)
    names = {entry.function: entry.name for entry in entries if entry.function != entry.name}
    edited, mark, adapter = source.partition(ADAPTER_MARK)
    return Part(slot, edited, names, mark + adapter)


def _set_shaping(draft: RewardDraft, slot: str, entry: RewardEntry) -> None:
    for name in SHAPING:
        st.session_state[draft.key(slot, name)] = getattr(entry, name)


def _free_name(draft: RewardDraft, wanted: str) -> str:
    taken = {st.session_state.get(draft.key(part.slot, "name")) for part in draft.parts}
    names = [wanted, *(f"{wanted}_{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
