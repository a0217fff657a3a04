"""Unsaved work on Rewards, kept on disk while it is done: a reload or a lost session loses none.

The draft with all its widgets and what the dry run was asked for are stored as one JSON document
at every change, and named in the address. Work that nobody has begun is not stored.
"""

import json
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from pages.components.access import get_person
from pages.components.dry_run.form import FORM_KEYS, PASTED_TEXT
from pages.components.rewards.code_editor import current_text
from pages.components.rewards.draft import (
    Part,
    RewardDraft,
    get_reward_draft,
    put_back_draft,
)
from rft_core.paths import get_runs_dir
from rft_core.store.drafts import find_draft, set_draft
from rft_core.store.index import open_index

ADDRESS = "draft"
SEEN = "reward_draft_seen"  # of this session: (draft, work as it began, content as stored)
# Last words of the keys of what is pressed: a page cannot set these. The name and the sources are
# parts of the draft.
NOT_KEPT = ("remove", "add", "python", "save", "set-name")


def open_kept_draft() -> None:
    """On a session's first visit: the draft that the address names; else the newest is offered."""
    if get_reward_draft() is not None:
        return
    wanted = st.query_params.get(ADDRESS, "")
    with open_index(get_runs_dir()) as index:
        who = get_person()
        named = find_draft(index, "rewards", who=who, id=wanted) if wanted else None
        found = named or find_draft(index, "rewards", who=who)
    if found is not None:
        _put_back(json.loads(found.content), is_current=named is not None)
    if named is not None:
        st.session_state[SEEN] = (named.id, "", named.content)


def is_put_back() -> bool:
    """Whether the draft is the one that the address names, from before a reload."""
    draft, wanted = get_reward_draft(), st.query_params.get(ADDRESS)
    return draft is not None and draft.id == wanted


def keep_draft() -> None:
    """Once the page's widgets have spoken: store the draft where something has changed in it."""
    draft = get_reward_draft()
    if draft is None:
        return
    work = _collect_work(draft)
    asked = {key: st.session_state[key] for key in FORM_KEYS if key in st.session_state}
    begun, content = _write(work), _write(work | {"asked": asked})
    id, first, stored = st.session_state.get(SEEN, ("", "", ""))
    if id != draft.id:
        first, stored = begun, ""
    if content != stored and (stored or begun != first or asked.get(PASTED_TEXT)):
        with open_index(get_runs_dir()) as index:
            set_draft(index, "rewards", id=draft.id, who=get_person(), content=content)
        stored = content
    st.session_state[SEEN] = (draft.id, first, stored)
    if stored:
        st.query_params[ADDRESS] = draft.id
    else:
        st.query_params.pop(ADDRESS, None)


def _collect_work(draft: RewardDraft) -> dict[str, Any]:
    """The draft as its widgets stand: what was typed into an editor has become its source."""
    name = st.session_state.get(draft.key("set-name")) or draft.name
    parts = [
        part
        if part.source is None
        else replace(part, source=current_text(draft.key(part.slot, "source"), part.source))
        for part in draft.parts
    ]
    widgets = {key: value for key, value in st.session_state.items() if _is_kept(draft, str(key))}
    own = replace(draft, name=name, parts=tuple(parts))
    return {"draft": asdict(own), "widgets": widgets}


def _write(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def _is_kept(draft: RewardDraft, key: str) -> bool:
    """Its values, not its buttons and editors."""
    prefix = draft.key("")
    if not key.startswith(prefix) or key.removeprefix(prefix) in NOT_KEPT:
        return False
    rest = key.removeprefix(prefix).partition("-")[2]
    value = st.session_state[key]
    is_plain = isinstance(value, str | int | float | list | None)
    is_editor = rest.startswith("source")
    return is_plain and not is_editor and rest not in NOT_KEPT


def _put_back(content: dict[str, Any], *, is_current: bool) -> None:
    """`is_current`: as the draft that is worked on, and not only within reach."""
    held = content["draft"]
    parts = tuple(Part(**part) for part in held["parts"])
    draft = RewardDraft(held["id"], held["name"], parts)
    for key, value in content["widgets"].items():
        st.session_state[key] = value
    if is_current:
        for key, value in content["asked"].items():
            st.session_state.setdefault(key, value)
    put_back_draft(draft, is_current=is_current)
