"""Where a reward draft begins: a task's rewards, a stored version, the starter, or a file."""

import streamlit as st

from pages.components.page_header import plain, show_error
from pages.components.reward_draft import (
    get_reward_draft,
    has_previous,
    start_from_previous,
    start_from_rewards,
    start_from_source,
)
from rft_core.errors import NotFoundError, RftError
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.python_source import LONGEST_SOURCE, STARTER_SOURCE
from rft_core.store.index import get_reward_set, list_reward_sets, open_index
from rft_core.tasks import TASKS

SEEN = "rewards_upload_seen"
OPENED = "rewards_opened"  # the stored version that `?rewards=` named and that was loaded
MOST_LISTED = 30
STARTER_NAME = "my rewards"


def choose_start(task: str) -> None:
    """A toolbar of beginnings. On a first visit there are the rewards of `task`, or the starter."""
    _open_from_address()
    if get_reward_draft() is None:
        if task in TASKS:
            start_from_rewards(TASKS[task].reward_set)
        else:
            start_from_source(STARTER_SOURCE, STARTER_NAME)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Start from", width="content")
        chosen = st.menu_button(
            "A task's rewards", list(TASKS), icon=":material/rule:", key="rewards_from_task",
            format_func=lambda name: TASKS[name].title,
        )  # fmt: skip
        if chosen:
            start_from_rewards(TASKS[chosen].reward_set)
            st.rerun()
        _stored_versions()
        if st.button("Python starter", icon=":material/code:", key="rewards_from_starter"):
            start_from_source(STARTER_SOURCE, STARTER_NAME)
            st.rerun()
        with st.popover("Upload a .py file", icon=":material/upload:"):
            _upload()
        if has_previous():
            st.button(
                "Back to what I had", icon=":material/undo:", type="tertiary",
                key="rewards_previous", on_click=start_from_previous,
            )  # fmt: skip


def _open_from_address() -> None:
    wanted = st.query_params.get("rewards")
    if wanted and st.session_state.get(OPENED) != wanted:
        st.session_state[OPENED] = wanted
        open_version(wanted)


def _stored_versions() -> None:
    with open_index(get_runs_dir()) as index:
        stored = {row["id"]: row for row in list_reward_sets(index)[:MOST_LISTED]}
    if not stored:
        return
    chosen = st.menu_button(
        "A stored version", list(stored), icon=":material/history:", key="rewards_from_stored",
        format_func=lambda id: f"{plain(stored[id]['name'])} · version {stored[id]['version']}",
    )  # fmt: skip
    if chosen:
        open_version(chosen)


def open_version(id: str) -> None:
    """Load a stored version into the draft and name it in the address, or say why not."""
    try:
        with open_index(get_runs_dir()) as index:
            stored = get_reward_set(index, id)
        start_from_rewards(RewardSet.from_json(stored.content), stored.name)
    except NotFoundError:
        st.warning(f"There is no reward set {plain(id)} in this runs folder.")
        return
    except RftError as error:
        show_error(error)
        return
    st.session_state[OPENED] = id
    st.query_params["rewards"] = id
    st.rerun()


def _upload() -> None:
    file = st.file_uploader("Python source", key="rewards_upload", max_upload_size=1)
    if file is None or st.session_state.get(SEEN) == file.file_id:
        return
    try:
        source = file.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError:
        st.error("This file is not UTF-8 text. Save it as UTF-8 and upload it again.")
        return
    if not source.strip() or "\0" in source or len(source) > LONGEST_SOURCE:
        st.error("This is no Python source: the file is empty, binary or too large.")
        return
    st.session_state[SEEN] = file.file_id
    start_from_source(source, file.name.removesuffix(".py")[:60])
    st.rerun()
