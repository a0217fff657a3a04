"""What can be done with the runs that are selected in the table: a row of buttons above it."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from pages.components.page_header import plain, shown_errors
from pages.components.runs.run_table import forget_selection
from rft_core.errors import RftError
from rft_core.jobs.launcher import delete
from rft_core.paths import get_runs_dir
from rft_core.store.index import open_index
from rft_core.store.listing.labels import LONGEST_TAG, add_tag, remove_tag, set_archived
from rft_core.store.listing.run_lines import RunLine
from rft_core.store.sqlite.without_pandas import Database

NEW_TAG = "new_tag"
NAMED = 8  # runs that a question names; of more it says how many


def table_actions(selected: Sequence[RunLine], tags: Sequence[str]) -> None:
    """The same place whether anything is selected or not: nothing jumps under the mouse."""
    ids = [line.id for line in selected]
    is_archived = bool(selected) and all(line.labels.is_archived for line in selected)
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="table-actions"
    ):
        count = f"**{len(ids)} selected**" if ids else "Select rows to do something with them."
        st.markdown(count, width="content")
        _link("Open", "open_in_new", "monitor.py", {"run": ids[0]} if len(ids) == 1 else None)
        _link(
            "Compare", "compare_arrows", "compare.py",
            {"runs": ",".join(ids)} if len(ids) > 1 else None,
        )  # fmt: skip
        with st.popover("Tag", icon=":material/label:", disabled=not ids):
            _tag(selected, tags)
        st.button(
            "Unarchive" if is_archived else "Archive",
            icon=f":material/{'unarchive' if is_archived else 'archive'}:",
            disabled=not ids, on_click=_change, help="Put aside: hidden until asked for.",
            args=(partial(set_archived, runs=ids, archived=not is_archived),),
        )  # fmt: skip
        if st.button(
            "Delete", key="delete-selected", icon=":material/delete:", disabled=not ids,
        ):  # fmt: skip
            confirm_delete_selected(selected)


def _link(label: str, icon: str, page: str, where: dict[str, str] | None) -> None:
    """`where` None: it cannot be done with what is selected."""
    if st.button(label, icon=f":material/{icon}:", disabled=where is None, key=f"table-{label}"):
        st.switch_page(page, query_params=where or {})


def _tag(selected: Sequence[RunLine], tags: Sequence[str]) -> None:
    """Tags that all have are ticked. A tick counts at once, for all that are selected."""
    ids = [line.id for line in selected]
    for tag in tags:
        held = [tag in line.labels.tags for line in selected]
        st.checkbox(
            plain(tag), all(held), key=f"tag-{tag}-{'.'.join(ids)}-{all(held)}", on_change=_change,
            args=(partial(remove_tag if all(held) else add_tag, runs=ids, tag=tag),),
        )  # fmt: skip
    st.text_input(
        "New tag", key=NEW_TAG, max_chars=LONGEST_TAG, placeholder="a word, then Enter",
        on_change=_add_new, args=(ids,),
    )  # fmt: skip


def _add_new(ids: Sequence[str]) -> None:
    tag, st.session_state[NEW_TAG] = st.session_state[NEW_TAG], ""
    if tag.strip():
        _change(partial(add_tag, runs=ids, tag=tag))


def _change(change: Callable[[Database], None]) -> None:
    """A callback: it is done before the table is drawn again."""
    try:
        with open_index(get_runs_dir()) as index:
            change(index)
    except RftError as error:
        st.toast(str(error), icon=":material/error:")


@st.dialog("Delete the selected runs?", icon=":material/delete:")
@shown_errors()
def confirm_delete_selected(selected: Sequence[RunLine]) -> None:
    """What is active is left alone, and said so."""
    gone = [line for line in selected if not line.status.is_active]
    active = len(selected) - len(gone)
    if active:
        st.warning(f"{active} of them are active and stay. Stop them first to delete them too.")
    if not gone:
        return
    names = [f"- {plain(line.status.run.label)}" for line in gone[:NAMED]]
    more = [f"- and {len(gone) - NAMED} more"] if len(gone) > NAMED else []
    st.write("\n".join([*names, *more]))
    st.write("Their metrics, generations, checkpoints and adapters will be gone for good.")
    if st.button(
        f"Delete {len(gone)} run{'s' * (len(gone) > 1)}", type="primary", key="confirm-delete-all",
        on_click=_delete_all, args=([line.id for line in gone],),
    ):  # fmt: skip
        st.rerun()


def _delete_all(ids: Sequence[str]) -> None:
    for id in ids:
        try:
            delete(get_runs_dir(), id)
        except RftError as error:  # it became active, or is gone already
            st.toast(str(error), icon=":material/error:")
    forget_selection()
