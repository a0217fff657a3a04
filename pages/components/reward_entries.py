"""The widgets of a reward draft: a row per grader, and Python with the functions found in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components.code_editor import Marker, code_editor
from pages.components.page_header import plain
from pages.components.reward_draft import (
    RewardDraft,
    add_grader,
    add_python,
    option_key,
    remove_grader,
    remove_python,
    weight_key,
)
from pages.components.reward_shaping import edit_shaping
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.graders import GRADERS, GraderOption
from rft_core.rewards.python_source import inspect_source, reward_set_from_source

WEIGHT_HELP = "Its share of the reward. 0: only logged, never learned from."

OPTIONS_IN_A_LINE = 4


@dataclass(frozen=True)
class PythonPart:
    """The source as it stands, and whether Ctrl+Enter was just pressed.

    `weights` is None where the source has a mistake, which is already shown beside it.
    """

    source: str
    weights: dict[str, float] | None
    run_requested: bool


def edit_graders(draft: RewardDraft) -> list[RewardEntry]:
    entries = [_grader_row(draft, slot) for slot in draft.graders]
    with st.container(horizontal=True):
        grader = st.menu_button(
            "Add a grader", list(GRADERS), key=draft.key("add"), icon=":material/add:",
            format_func=lambda name: f"**{plain(name)}** — {plain(GRADERS[name].help)}",
        )  # fmt: skip
        if grader:
            add_grader(draft, grader)
            st.rerun()
        if not draft.source:
            st.button(
                "Write one in Python", key=draft.key("python"), icon=":material/code:",
                on_click=add_python, args=(draft,),
            )  # fmt: skip
    return entries


def edit_python(draft: RewardDraft, markers: Callable[[str], list[Marker]]) -> PythonPart | None:
    """None where the draft has no Python. `markers` are what the last dry run found in a text."""
    if not draft.source:
        return None
    code, side = st.columns([3, 1], gap="medium")
    with code:
        edited = code_editor(
            draft.key("source"), draft.source, label="Reward source", markers=markers, height=420
        )
    with side:
        weights = _functions(draft, edited.text)
        st.caption("Ctrl+Enter runs the dry run below.")
        st.button(
            "Remove Python", key=draft.key("no-python"), type="tertiary",
            icon=":material/delete:", on_click=remove_python, args=(draft,),
        )  # fmt: skip
    return PythonPart(edited.text, weights, edited.run_requested)


def assemble(entries: list[RewardEntry], python: PythonPart | None, name: str) -> RewardSet:
    """Graders first, then the functions of the source. Raises BadInputError for a broken source."""
    written: tuple[RewardEntry, ...] = ()
    if python is not None:
        written = reward_set_from_source(python.source, weights=python.weights).entries
    return RewardSet((*entries, *written), name)


def _grader_row(draft: RewardDraft, slot: str) -> RewardEntry:
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
                type="tertiary", on_click=remove_grader, args=(draft, slot),
            )  # fmt: skip
        st.caption(plain(GRADERS[grader].help))
        options = _options(draft, slot, grader)
        shaping = edit_shaping(draft, slot)
    return RewardEntry((name or "").strip(), grader, float(weight or 0.0), options, **shaping)


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
    width = min(max(len(options), 3), OPTIONS_IN_A_LINE)
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


def _functions(draft: RewardDraft, source: str) -> dict[str, float] | None:
    """A weight for each function of the source, or its first mistake and None."""
    report = inspect_source(source)
    if report.error:
        where = f"**Line {report.error_line}.** " if report.error_line else ""
        st.error(where + plain(report.error), icon=":material/error:")
        return None
    st.caption("Functions found, and their weights")
    weights: dict[str, float] = {}
    for function in report.functions:
        default = (report.weights or {}).get(function, 1.0)
        key = weight_key(draft, function, default)
        st.session_state.setdefault(key, default)
        weight = st.number_input(
            plain(function), step=0.1, format="%g", key=key, help=WEIGHT_HELP,
            persist_state="session",
        )  # fmt: skip
        weights[function] = float(weight or 0.0)
    return weights
