"""The widgets of a reward draft: a row per grader, an editor per Python source."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components.code_editor import Marker
from pages.components.page_header import plain
from pages.components.reward_draft import (
    Part,
    RewardDraft,
    add_grader,
    add_python,
    option_key,
    remove_part,
)
from pages.components.reward_python import edit_python, list_functions
from pages.components.reward_shaping import edit_shaping
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.graders import GRADERS, GraderOption

WEIGHT_HELP = "Its share of the reward. 0: only logged, never learned from."

OPTIONS_IN_A_LINE = 4


@dataclass(frozen=True)
class EditedRewards:
    """`entries` is None where a source has a mistake, which is already shown beside it.

    `run_requested`: Ctrl+Enter was just pressed in an editor.
    """

    entries: tuple[RewardEntry, ...] | None
    run_requested: bool = False


def edit_rewards(draft: RewardDraft, markers: Callable[[str], list[Marker]]) -> EditedRewards:
    """Every part in its order, then the ways to add one. `markers`: what is wrong in a source."""
    names = _list_names(draft)
    entries: list[RewardEntry] = []
    is_broken = run_requested = False
    for part in draft.parts:
        if part.source is None:
            entries.append(_grader_row(draft, part, names))
            continue
        edited = edit_python(draft, part, names, markers)
        entries += edited.entries or ()
        is_broken |= edited.entries is None
        run_requested |= edited.run_requested
    _add_part(draft)
    return EditedRewards(None if is_broken else tuple(entries), run_requested)


def _list_names(draft: RewardDraft) -> list[str]:
    """Of all functions, as the widgets stand."""
    names: list[str] = []
    for part in draft.parts:
        if part.source is None:
            names.append(str(st.session_state.get(draft.key(part.slot, "name"), "")).strip())
        else:
            names += list_functions(draft, part)
    return [name for name in names if name]


def _add_part(draft: RewardDraft) -> None:
    with st.container(horizontal=True):
        grader = st.menu_button(
            "Add a grader", list(GRADERS), key=draft.key("add"), icon=":material/add:",
            format_func=lambda name: f"**{plain(name)}** — {plain(GRADERS[name].help)}",
        )  # fmt: skip
        if grader:
            add_grader(draft, grader)
            st.rerun()
        if not draft.has_python:
            st.button(
                "Write one in Python", key=draft.key("python"), icon=":material/code:",
                on_click=add_python, args=(draft,),
            )  # fmt: skip


def _grader_row(draft: RewardDraft, part: Part, names: Sequence[str]) -> RewardEntry:
    slot = part.slot
    with st.container(border=True, gap="xsmall", key=draft.key(slot)):
        name_place, grader_place, weight_place, remove_place = st.columns(
            [3, 3, 2, 1], vertical_alignment="bottom"
        )
        with grader_place:
            grader = st.selectbox(
                "Grader", list(GRADERS), key=draft.key(slot, "grader"), persist_state="session",
                on_change=_follow_grader, args=(draft, slot),
            )  # fmt: skip
        with name_place:
            name = st.text_input(
                "Name", key=draft.key(slot, "name"), max_chars=60, persist_state="session"
            )
        with weight_place:
            weight = st.number_input(
                "Weight", step=0.1, format="%g", key=draft.key(slot, "weight"), help=WEIGHT_HELP,
                persist_state="session",
            )  # fmt: skip
        with remove_place:
            st.button(
                "Remove", key=draft.key(slot, "remove"), icon=":material/delete:",
                type="tertiary", on_click=remove_part, args=(draft, part),
            )  # fmt: skip
        st.caption(plain(GRADERS[grader].help))
        options = _options(draft, slot, grader)
        own = (name or "").strip()
        shaping = edit_shaping(draft, slot, [other for other in names if other != own])
    return RewardEntry(own, grader, float(weight or 0.0), options, **shaping)


def _follow_grader(draft: RewardDraft, slot: str) -> None:
    """A row that was named after its grader is named after the new one."""
    name = draft.key(slot, "name")
    if st.session_state[name].rstrip("_0123456789") in GRADERS:
        st.session_state[name] = st.session_state[draft.key(slot, "grader")]


def _options(draft: RewardDraft, slot: str, grader: str) -> dict[str, Any]:
    """The options that differ from their defaults, so that equal rewards have equal ids."""
    options = GRADERS[grader].options
    chosen: dict[str, Any] = {}
    if not options:
        return chosen
    is_text = len(options) == 1 and options[0].type == "text" and not options[0].choices
    width = 1 if is_text else min(max(len(options), 3), OPTIONS_IN_A_LINE)
    lines = -(-len(options) // width)
    places = [p for _ in range(lines) for p in st.columns(width, vertical_alignment="bottom")]
    for place, option in zip(places, options, strict=False):
        key = option_key(draft, slot, grader, option.name)
        st.session_state.setdefault(key, option.default)
        with place:
            value = _option_widget(option, key)
        if value is not None and value != option.default:
            chosen[option.name] = value
    return chosen


def _option_widget(option: GraderOption, key: str) -> Any:
    label = option.name.replace("_", " ")
    shared: dict[str, Any] = {"key": key, "help": option.help, "persist_state": "session"}
    if option.choices:
        return st.selectbox(label, option.choices, **shared)
    if option.type == "bool":
        return st.toggle(label, **shared)
    if option.type == "int":
        return st.number_input(label, step=1, **shared)
    if option.type == "float":
        return st.number_input(label, step=0.1, format="%g", **shared)
    return st.text_input(label, **shared)
