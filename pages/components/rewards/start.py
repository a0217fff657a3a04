"""Where a reward draft begins: a task's rewards, a stored version, the starter, or an import."""

from dataclasses import replace
from pathlib import PurePath

import streamlit as st

from pages.components.dry_run.form import choose_task_prompts
from pages.components.page_header import plain, show_error
from pages.components.rewards.draft import (
    get_reward_draft,
    has_previous,
    start_from_previous,
    start_from_rewards,
    start_from_source,
)
from pages.components.rewards.kept_draft import is_put_back, open_kept_draft
from rft_core.errors import NotFoundError, RftError
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.exchange.openai_graders import Imported
from rft_core.rewards.exchange.reward_files import read_pasted, read_reward_file
from rft_core.rewards.python_source import LONGEST_SOURCE, STARTER_SOURCE
from rft_core.store.index import open_index
from rft_core.store.sets import get_set, list_sets
from rft_core.tasks import TASKS

SEEN = "rewards_upload_seen"
REMARKS = "rewards_remarks"  # (draft, what its import left out)
POPOVER, IMPORTED = "rewards_import_popover", "rewards_just_imported"
OPENED = "rewards_opened"  # the stored version that `?rewards=` named and that was loaded
MOST_LISTED = 30
STARTER_NAME = "my rewards"
EXAMPLE = """{"type": "string_check", "name": "exact", "operation": "eq",
 "input": "{{sample.output_text}}", "reference": "{{item.answer}}"}"""


def choose_start(task: str) -> None:
    """A toolbar of beginnings. On a first visit there are the rewards of `task`, or the starter."""
    open_kept_draft()
    _open_from_address()
    if get_reward_draft() is None:
        if task in TASKS:
            start_from_rewards(TASKS[task].reward_set)
        else:
            start_from_source(STARTER_SOURCE, STARTER_NAME)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Start from", width="content")
        built_in = _list_built_in()
        chosen = st.menu_button(
            "A task's rewards", list(built_in), icon=":material/rule:", key="rewards_from_task"
        )
        if chosen:
            task, rewards = built_in[chosen]
            start_from_rewards(rewards)
            choose_task_prompts(task)
            st.rerun()
        _stored_versions()
        if st.button("Python starter", icon=":material/code:", key="rewards_from_starter"):
            start_from_source(STARTER_SOURCE, STARTER_NAME)
            st.rerun()
        if st.session_state.pop(IMPORTED, False):
            st.session_state[POPOVER] = False  # closes: what was imported stands below
        with st.popover("Import", icon=":material/upload:", key=POPOVER, on_change="rerun"):
            _import()
        if has_previous():
            st.button(
                "Back to what I had", icon=":material/undo:", type="tertiary",
                key="rewards_previous", on_click=start_from_previous,
            )  # fmt: skip
    _show_remarks()


def _list_built_in() -> dict[str, tuple[str, RewardSet]]:
    """Title -> task and rewards: each task's own, then others that it may be trained on."""
    found = {}
    for task in TASKS.values():
        found[task.title] = (task.name, task.reward_set)
        for name, other in task.other_rewards.items():
            found[f"{task.title}: {name}, {other.about}"] = (task.name, other.rewards)
    return found


def _open_from_address() -> None:
    """Once, and not over what has been changed in it since: a reload finds both in the address."""
    wanted = st.query_params.get("rewards")
    if wanted and st.session_state.get(OPENED) != wanted:
        st.session_state[OPENED] = wanted
        if not is_put_back():
            open_version(wanted)


def _stored_versions() -> None:
    with open_index(get_runs_dir()) as index:
        stored = {row["id"]: row for row in list_sets(index, "rewards")[:MOST_LISTED]}
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
            stored = get_set(index, "rewards", id)
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


def _import() -> None:
    """A file or pasted text; what is wrong with it is said here, and nothing changes."""
    st.caption(
        "OpenAI's grader JSON (`string_check`, `text_similarity`, `python`, `score_model`, "
        "`label_model`, `multi`), or Python: reward functions as in TRL, or OpenAI's "
        "`grade(sample, item)`."
    )
    file = st.file_uploader(
        "A .json or .py file", key="rewards_upload", max_upload_size=1, type=["json", "py"]
    )
    if file is not None and st.session_state.get(SEEN) != file.file_id:
        _import_file(file.name, file.getvalue(), file.file_id)
    text = st.text_area("Or paste it", key="rewards_pasted", height=140, placeholder=EXAMPLE)
    if st.button("Import what is pasted", key="rewards_import", icon=":material/content_paste:"):
        try:
            _begin(read_pasted(text or "", "pasted"))
        except RftError as error:
            _show_mistakes(error)


def _import_file(name: str, content: bytes, id: str) -> None:
    try:
        source = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        st.error("This file is not UTF-8 text. Save it as UTF-8 and upload it again.")
        return
    if not source.strip() or "\0" in source or len(source) > LONGEST_SOURCE:
        st.error("There is nothing to read in it: the file is empty, binary or too large.")
        return
    title = PurePath(name).stem[:60]
    try:
        imported = read_reward_file(name, source)
        named = replace(imported.rewards, name=imported.rewards.name or title)
        start = Imported(named, imported.remarks)
    except RftError as error:
        if PurePath(name).suffix.lower() == ".json":
            _show_mistakes(error)
            return
        start = None  # the editor shows what is wrong with Python
    st.session_state[SEEN] = id
    if start is None:
        start_from_source(source, title)
        st.rerun()
    _begin(start)


def _begin(imported: Imported) -> None:
    start_from_rewards(imported.rewards)
    draft = get_reward_draft()
    st.session_state[REMARKS] = (draft.id if draft else "", imported.remarks)
    st.session_state[IMPORTED] = True
    st.rerun()


def _show_mistakes(error: RftError) -> None:
    """One line each: a grader's mistakes are named by their paths."""
    mistakes = "\n".join(f"- {plain(why)}" for why in error.why.split("; ") if why)
    st.error(f"**{plain(error.what)}**\n{mistakes}", icon=":material/error:")


def _show_remarks() -> None:
    """What should be known about the import, for as long as its draft is worked on."""
    draft = get_reward_draft()
    of, remarks = st.session_state.get(REMARKS, ("", ()))
    if draft and draft.id == of and remarks:
        st.info("  \n".join(map(plain, remarks)), icon=":material/info:")
