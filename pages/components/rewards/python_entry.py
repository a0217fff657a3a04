"""A Python source of a reward draft: its editor, and a weight for every function found in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from pages.components.page_header import plain
from pages.components.rewards.code_editor import Marker, code_editor, current_text
from pages.components.rewards.draft import Part, RewardDraft, remove_part, weight_key
from pages.components.rewards.shaping import edit_shaping
from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry
from rft_core.rewards.python_source import SourceReport, inspect_source

WEIGHT_HELP = (
    "Its share of the reward. 0: only logged, never learned from. Empty: no reward at all."
)

LINE_HEIGHT, LOWEST_EDITOR, HIGHEST_EDITOR = 22, 220, 420  # pixels


@dataclass(frozen=True)
class EditedPython:
    """`entries` is None where the source has a mistake, which is shown beside it.

    `run_requested`: Ctrl+Enter was just pressed in the editor.
    """

    entries: tuple[RewardEntry, ...] | None
    run_requested: bool


def list_functions(draft: RewardDraft, part: Part) -> list[str]:
    """The names that its functions have in the reward set, before the editor is drawn."""
    text = current_text(draft.key(part.slot, "source"), part.source or "")
    report = inspect_source(text + part.adapter)
    weights = {
        function: st.session_state.get(weight_key(draft, part.slot, function, default), default)
        for function, default in _defaults(report).items()
    }
    return [part.names.get(name, name) for name, weight in weights.items() if weight is not None]


def edit_python(
    draft: RewardDraft, part: Part, names: Sequence[str], markers: Callable[[str], list[Marker]]
) -> EditedPython:
    """`names`: of all functions of the draft; `markers`: what the last dry run found in a text."""
    code, side = st.columns([3, 1], gap="medium")
    with code:
        edited = code_editor(
            draft.key(part.slot, "source"), part.source or "", label="Reward source",
            markers=markers, height=_editor_height(part.source or ""),
        )  # fmt: skip
    with side:
        report = inspect_source(edited.text + part.adapter)
        if report.error:
            where = f"**Line {report.error_line}.** " if report.error_line else ""
            st.error(where + plain(report.error), icon=":material/error:")
        else:
            st.caption("Functions found, and their weights")
        found = [
            _function(draft, part, function, default, names)
            for function, default in _defaults(report).items()
        ]
        if part.adapter:
            st.caption("`grade(sample, item)` is called once for each completion.")
        st.caption("Ctrl+Enter runs the dry run below.")
        st.button(
            "Remove Python", key=draft.key(part.slot, "remove"), type="tertiary",
            icon=":material/delete:", on_click=remove_part, args=(draft, part),
        )  # fmt: skip
    entries = tuple(replace(entry, source=edited.text + part.adapter) for entry in found if entry)
    return EditedPython(None if report.error else entries, edited.run_requested)


def _editor_height(source: str) -> int:
    """As high as what it begins with, within reason; it does not jump while somebody types."""
    return min(max(LINE_HEIGHT * (source.count("\n") + 4), LOWEST_EDITOR), HIGHEST_EDITOR)


def _defaults(report: SourceReport) -> dict[str, float]:
    """Every function with the weight that its source gives it."""
    return dict.fromkeys(report.functions, 1.0) | dict(report.weights or {})


def _function(
    draft: RewardDraft, part: Part, function: str, default: float, names: Sequence[str]
) -> RewardEntry | None:
    """Its weight and how it counts; None where the weight is empty."""
    name = part.names.get(function, function)
    key = weight_key(draft, part.slot, function, default)
    st.session_state.setdefault(key, default)
    weight = st.number_input(
        plain(name), value=None, step=0.1, format="%g", key=key, help=WEIGHT_HELP,
        placeholder="no reward", persist_state="session",
    )  # fmt: skip
    if weight is None:
        return None
    others = [other for other in names if other != name]
    shaping = edit_shaping(draft, f"{part.slot}-{function}", others)
    options = {"function": function} if name != function else {}
    return RewardEntry(name, PYTHON_GRADER, float(weight), options, **shaping)
