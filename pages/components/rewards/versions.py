"""Saving a draft as an immutable version, and the versions there are: compared and opened.

Storing is idempotent: the same rewards are the same version, whatever they are called.
"""

import difflib
import json
import time
from dataclasses import replace

import streamlit as st

from pages.components.durations import age_text
from pages.components.page_header import plain, shown_errors
from pages.components.rewards.draft import RewardDraft
from pages.components.rewards.export import export_popover
from pages.components.rewards.shaping import describe_shaping
from pages.components.rewards.start import open_version
from rft_core.errors import NotFoundError
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.sets import StoredSet, ensure_set, get_set, list_sets


def save_version(draft: RewardDraft, rewards: RewardSet | None) -> StoredSet | None:
    """Name and button; returns the version that these very rewards have, once they are stored."""
    stored = _find(rewards)
    name_place, save_place, export_place = st.columns([4, 2, 1], vertical_alignment="bottom")
    with name_place:
        name = st.text_input(
            "Name", draft.name or "my rewards", key=draft.key("set-name"), max_chars=60,
            persist_state="session",
        )  # fmt: skip
    with save_place:
        clicked = st.button(
            "Save as a new version", type="primary", icon=":material/save:", width="stretch",
            key=draft.key("save"), disabled=rewards is None or stored is not None,
        )  # fmt: skip
    chosen = (name or "").strip() or "my rewards"
    with export_place:
        export_popover(replace(rewards, name=chosen) if rewards else None)
    if clicked and rewards is not None:
        named = replace(rewards, name=chosen)
        with shown_errors(), open_index(get_runs_dir()) as index:
            ensure_set(index, "rewards", id=named.id, name=chosen, content=named.to_json())
        st.rerun()
    if stored:
        st.caption(
            f":material/check_circle: Stored as **{plain(stored.name)}, version {stored.version}** "
            f"· `{stored.id}`. Runs that use it keep it as it is."
        )
    elif rewards:
        st.caption("Not saved yet. A version never changes: saving an edit makes the next one.")
    return stored


def show_versions(rewards: RewardSet | None, current: StoredSet | None) -> None:
    """The stored versions; the chosen one as it is, or what the draft changes in it."""
    with shown_errors(), open_index(get_runs_dir()) as index:
        rows = {row["id"]: row for row in list_sets(index, "rewards")}
    if not rows:
        return
    folded = st.expander(f"Versions · {len(rows)}", icon=":material/history:", on_change="rerun")
    if not folded.open:
        return
    with folded:
        choice, view, action = st.columns([3, 2, 1], vertical_alignment="bottom")
        with choice:
            id = st.selectbox(
                "Version", list(rows), key="rewards_compared",
                format_func=lambda id: version_label(rows[id]) + (
                    " · what is above" if current and current.id == id else ""
                ),
            )  # fmt: skip
        with view:
            what = st.segmented_control(
                "Show", ["Changes", "Whole"], default="Changes", required=True,
                key="rewards_compare_view",
            )  # fmt: skip
        with action:
            wanted = st.button("Open", key="rewards_open_version", icon=":material/edit:")
        with shown_errors(), open_index(get_runs_dir()) as index:
            old = RewardSet.from_json(get_set(index, "rewards", str(id)).content)
        if wanted:
            open_version(str(id))
        if what == "Whole" or rewards is None:
            st.code(reward_text(old), language="python", line_numbers=True)
        elif changes := reward_diff(old, rewards):
            st.code(changes, language="diff")
        else:
            st.caption("This version is what is above: nothing has changed.")


def reward_text(rewards: RewardSet) -> str:
    """A reward set as people compare it: a line for each function, then the sources."""
    lines = []
    for entry in rewards.entries:
        options = "".join(f" {name}={json.dumps(v)}" for name, v in entry.options.items())
        shaping = f", {describe_shaping(entry.shaping)}" if entry.shaping else ""
        lines.append(f"# {entry.name}: {entry.grader}{options}, weight {entry.weight:g}{shaping}")
    if rewards.truth:
        lines.append(f"# right where full: {', '.join(rewards.truth)}")
    sources = dict.fromkeys(entry.source for entry in rewards.entries if entry.source)
    return "\n".join([*lines, *(f"\n{source}" for source in sources)])


def reward_diff(old: RewardSet, new: RewardSet) -> str:
    """Unified, with all context; empty when nothing differs."""
    before, after = reward_text(old).splitlines(), reward_text(new).splitlines()
    return "\n".join(list(difflib.unified_diff(before, after, lineterm="", n=1000))[3:])


def _find(rewards: RewardSet | None) -> StoredSet | None:
    if rewards is None:
        return None
    try:
        with open_index(get_runs_dir()) as index:
            return get_set(index, "rewards", rewards.id)
    except NotFoundError:
        return None


def version_label(row: dict[str, object]) -> str:
    """A stored version as people choose it."""
    age = age_text(time.time() - float(str(row["created_at"])))
    return f"{version_title(row)} · {age}"


def version_title(row: dict[str, object]) -> str:
    return f"{row['name']} · version {row['version']}"
