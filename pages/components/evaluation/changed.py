"""The examples that turned right or wrong between two models, each with what both wrote."""

import json
from collections.abc import Sequence

import streamlit as st

from pages.components.completions.completion_html import (
    completion_text,
    diff_html,
    prompt_html,
)
from pages.components.completions.word_diff import diff_words
from pages.components.untrusted_text import safe_html
from rft_core.evaluation.changes import Change, list_changes
from rft_core.evaluation.records import Matchup
from rft_core.evaluation.report import Label
from rft_core.store.evaluations import JudgedSample
from rft_core.store.generations import StoredGeneration

AT_ONCE = 5  # examples on the page together
DIRECTIONS = {"to right": "turned right", "to wrong": "turned wrong"}


def show_changes(matchup: Matchup, label: Label, key: str) -> list[Change]:
    """Choose two models and see what changed between them; all of it is returned for export."""
    labels = matchup.labels
    first, second, which = st.columns([3, 3, 4], vertical_alignment="bottom")
    before = first.selectbox("From", labels, 0, format_func=label, key=f"{key}-from")
    after = second.selectbox("To", labels, 1, format_func=label, key=f"{key}-to")
    changes = list_changes(matchup, before, after)
    counts = {name: sum(c.direction == name for c in changes) for name in DIRECTIONS}
    direction = which.segmented_control(
        "Examples", list(DIRECTIONS), default="to right" if counts["to right"] else "to wrong",
        required=True, key=f"{key}-direction", label_visibility="collapsed",
        format_func=lambda name: f"{counts[name]} {DIRECTIONS[name]}",
    )  # fmt: skip
    shown = [change for change in changes if change.direction == direction]
    if not shown:
        st.caption(f"No example {DIRECTIONS[str(direction)]}.")
        return changes
    show_examples(shown, label(before), label(after), f"{key}-{before}-{after}-{direction}")
    return changes


def show_examples(changes: Sequence[Change], before: str, after: str, key: str) -> None:
    """A page of them, each with both texts side by side and their difference word by word."""
    for change in _page(changes, key):
        _show(change, before, after)


def changes_jsonl(changes: Sequence[Change]) -> str:
    return "".join(json.dumps(c.to_json(), ensure_ascii=False) + "\n" for c in changes)


def _page(changes: Sequence[Change], key: str) -> Sequence[Change]:
    count = -(-len(changes) // AT_ONCE)
    if count == 1:
        return changes
    page = st.pagination(count, key=key)
    return changes[(page - 1) * AT_ONCE : page * AT_ONCE]


def _show(change: Change, before: str, after: str) -> None:
    with st.container(border=True):
        asked = change.prompt[-1]["content"] if change.prompt else ""
        st.html(prompt_html(asked, short=True))
        left, right = st.columns(2)
        left.html(_card(before, change.before, change.right_before))
        right.html(_card(after, change.after, change.right_after))
        with st.expander("Word by word"):
            st.html(diff_html(diff_words(change.before.text, change.after.text)))
        st.caption(f"Row `{change.row_id}`")


def _card(title: str, sample: JudgedSample, right: tuple[int, int]) -> str:
    look, verdict = ("full", "right") if sample.verdict else ("zero", "wrong")
    text = completion_text(_as_generation(sample), unfolded=True)
    several = f'<span class="gen-title">{right[0]} of {right[1]} right</span>'
    return (
        f'<div class="gen"><div class="gen-head"><b>{safe_html(title)}</b>'
        f'<span class="gen-chip {look}">{verdict}</span>{several if right[1] > 1 else ""}</div>'
        f'<div class="gen-body">{text}</div></div>'
    )


def _as_generation(sample: JudgedSample) -> StoredGeneration:
    """In the shape that shows itself."""
    return StoredGeneration(
        id=0, step=0, split="", group_index=0, sample_index=0, prompt_id=0,
        completion=sample.text, num_tokens=sample.num_tokens or 0, truncated=sample.truncated,
        reward=None, advantage=None, flags=(), scores={}, reasons={},
    )  # fmt: skip
