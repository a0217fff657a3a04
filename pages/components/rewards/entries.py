"""The widgets of a reward draft: a row per grader, an editor per Python source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components.page_header import plain
from pages.components.rewards.code_editor import Marker
from pages.components.rewards.draft import (
    Part,
    RewardDraft,
    add_grader,
    add_python,
    option_key,
    remove_part,
)
from pages.components.rewards.python_entry import edit_python, list_functions
from pages.components.rewards.shaping import edit_shaping
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.registry import GRADERS, GraderOption

WEIGHT_HELP = "Its share of the reward. 0: only logged, never learned from."

TRUTH_HELP = (
    "Functions whose full score means that a completion is right: pass rates and evaluations count "
    "by them."
)
OPTIONS_IN_A_LINE, MOST_UNFOLDED = 4, 8
LONG_TEXTS = ("rubric", "messages", "schema")  # options of several lines


@dataclass(frozen=True)
class EditedRewards:
    """`entries` is None where a source has a mistake, which is already shown beside it.

    `truth`: the functions that say what is right, as a reward set has it.
    `run_requested`: Ctrl+Enter was just pressed in an editor.
    """

    entries: tuple[RewardEntry, ...] | None
    run_requested: bool = False
    truth: tuple[str, ...] = ()


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
    truth = _choose_truth(draft, [entry.name for entry in entries])
    return EditedRewards(None if is_broken else tuple(entries), run_requested, truth)


def _choose_truth(draft: RewardDraft, names: Sequence[str]) -> tuple[str, ...]:
    """Which functions say that a completion is right; a lone function needs no choice."""
    if len(names) < 2:
        return ()
    key = draft.key("truth")
    st.session_state[key] = [name for name in st.session_state.get(key, ()) if name in names]
    return tuple(
        st.multiselect(
            "Right where full",
            list(dict.fromkeys(names)),
            key=key,
            help=TRUTH_HELP,
            placeholder="Not said: correctness, or all that is paid and more than form",
            persist_state="session",
        )
    )


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
            [5, 5, 4, 3], vertical_alignment="bottom"
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
    """The options that differ from their defaults, so that equal rewards have equal ids.

    Long texts come first and side by side; the last of many options are folded away.
    """
    options = GRADERS[grader].options
    keys = {option.name: option_key(draft, slot, grader, option.name) for option in options}
    for option in options:
        st.session_state.setdefault(keys[option.name], option.default)
    long = [option for option in options if option.name in LONG_TEXTS]
    short = [option for option in options if option.name not in LONG_TEXTS]
    chosen = _draw_options(long, keys, len(long))
    is_lone = len(short) == 1 and short[0].type in ("text", "bool") and not short[0].choices
    width = 1 if is_lone else min(max(len(short), 3), OPTIONS_IN_A_LINE)
    chosen |= _draw_options(short[:MOST_UNFOLDED], keys, width)
    if folded := short[MOST_UNFOLDED:]:
        is_used = any(st.session_state[keys[option.name]] != option.default for option in folded)
        with st.expander("More options", expanded=is_used):
            chosen |= _draw_options(folded, keys, width)
    return chosen


def _draw_options(
    options: Sequence[GraderOption], keys: Mapping[str, str], width: int
) -> dict[str, Any]:
    """`width` of them in a line; those that differ from their defaults."""
    chosen: dict[str, Any] = {}
    for start in range(0, len(options), max(width, 1)):
        line = options[start : start + width]
        for place, option in zip(
            st.columns(width, vertical_alignment="bottom"), line, strict=False
        ):
            with place:
                value = _option_widget(option, keys[option.name])
            if value is not None and value != option.default:
                chosen[option.name] = value
    return chosen


def _bounds(option: GraderOption, kind: type[int] | type[float]) -> dict[str, float | None]:
    """Streamlit wants them to be of the value's own type."""
    low, high = option.minimum, option.maximum
    return {
        "min_value": None if low is None else kind(low),
        "max_value": None if high is None else kind(high),
    }


def _option_widget(option: GraderOption, key: str) -> Any:
    label = option.name.replace("_", " ")
    shared: dict[str, Any] = {"key": key, "help": option.help, "persist_state": "session"}
    if option.choices:
        return st.selectbox(label, option.choices, **shared)
    if option.type == "bool":
        return st.toggle(label, **shared)
    if option.type == "int":
        return st.number_input(label, step=1, **_bounds(option, int), **shared)
    if option.type == "float":
        return st.number_input(label, step=0.1, format="%g", **_bounds(option, float), **shared)
    if option.name in LONG_TEXTS:
        return st.text_area(label, height=110, **shared)
    return st.text_input(label, **shared)
