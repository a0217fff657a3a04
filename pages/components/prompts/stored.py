"""Prompt sets that are stored: the list, and one of them as it will be used."""

import time

import streamlit as st

from pages.components.durations import age_text
from pages.components.page_header import plain, shown_errors
from pages.components.prompts.draft import start_draft_from
from pages.components.prompts.preview import show_preview
from pages.components.prompts.row_table import show_rows
from pages.components.workflow import remembered
from rft_core.data import PromptSet
from rft_core.errors import NotFoundError
from rft_core.paths import get_runs_dir
from rft_core.store.index import open_index
from rft_core.store.sets import get_set, list_sets
from rft_core.tasks import TASKS


def stored_prompt_list() -> None:
    """Every stored set; a click opens it under `?set=`."""
    with shown_errors(), open_index(get_runs_dir()) as index:
        stored = list_sets(index, "prompts")
    st.markdown(f"**Stored prompt sets** · {len(stored)}" if stored else "**Stored prompt sets**")
    if not stored:
        st.caption("None yet. What you save below appears here, never changes, and can be reused.")
        return
    with st.container(border=True, height=264 if len(stored) > 5 else "content", gap="xxsmall"):
        for row in stored:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                opened = st.query_params.get("set") == row["id"]
                st.button(
                    plain(row["name"]), key=f"open-{row['id']}", type="tertiary",
                    icon=":material/visibility:" if opened else ":material/dataset:",
                    on_click=_open, args=(row["id"],),
                )  # fmt: skip
                st.caption(
                    f"{row['num_rows']:,} rows · {age_text(time.time() - row['created_at'])}",
                    width="content",
                )


def show_stored(id: str) -> bool:
    """One stored set: rows with their side of the split, template, the string. False: not there."""
    try:
        stored = remembered("prompts_shown", (get_runs_dir(), id), lambda: read_prompt_set(id))
    except NotFoundError:
        st.warning(f"There is no prompt set {plain(id)} in this runs folder.")
        return False
    st.subheader(plain(stored.name), anchor=False)
    st.caption(
        f"{task_title(stored.task)} · {len(stored.rows):,} rows: {len(stored.train_rows):,} for "
        f"training, {len(stored.validation_rows):,} for validation (seed {stored.split.seed}) · "
        f"from {plain(stored.source or 'an unknown source')} · `{stored.id}`"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        next_button(stored.id)
        st.button(
            "Start a new set from it", icon=":material/edit:", on_click=start_draft_from,
            args=(stored,), help="A stored set never changes: saving makes a new one.",
        )  # fmt: skip
        st.button("Close", type="tertiary", icon=":material/close:", on_click=_close)
    validation = set(stored.split.validation)
    sides = ["validation" if i in validation else "train" for i in range(len(stored.rows))]
    show_rows(stored.rows, alt=f"Rows of {stored.name}", extra={"split": sides})
    with st.expander("Template", icon=":material/article:"):
        if stored.template.system.strip():
            st.caption("System")
            st.code(stored.template.system, language="jinja2", wrap_lines=True)
        st.caption("User")
        st.code(stored.template.user, language="jinja2", wrap_lines=True)
    st.markdown("**What the model sees**")
    show_preview(stored, key=f"stored-{stored.id}")
    return True


def read_prompt_set(id: str) -> PromptSet:
    """Raises NotFoundError. Reading a large set takes a while: keep it."""
    with open_index(get_runs_dir()) as index:
        return PromptSet.from_json(get_set(index, "prompts", id).content)


def next_button(id: str) -> None:
    if st.button(
        "Next: rewards", key=f"next-{id}", type="primary", icon=":material/arrow_forward:"
    ):
        st.switch_page("rewards.py", query_params={"prompts": id})


def task_title(task: str | None) -> str:
    return TASKS[task].title if task in TASKS else plain(task or "Custom")


def _open(id: str) -> None:
    st.query_params["set"] = id


def _close() -> None:
    st.query_params.pop("set", None)
