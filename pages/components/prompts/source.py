"""Where prompts come from: a file, a dataset on the hub, or the sample. A bad one changes nothing.

Each gives a whole table or one error; only a whole table begins a new draft.
"""

import streamlit as st

from pages.components.page_header import plain, show_error
from pages.components.prompts.draft import start_draft
from pages.components.prompts.eval_import import choose_eval
from pages.components.workflow import progress_into
from rft_core.data import Table, load_hub_rows, read_table
from rft_core.data.sample_data import load_sample
from rft_core.errors import RftError
from rft_core.sampling.service.messages import LoadProgress
from rft_core.tasks import TASKS

UPLOAD, HUB, EVAL, SAMPLE = "Upload a file", "Hub dataset", "Eval", "Sample data"
SEEN = "prompts_upload_seen"
SAMPLE_ROWS = 60


def choose_source() -> None:
    source = st.segmented_control(
        "Source", [UPLOAD, HUB, EVAL, SAMPLE], default=UPLOAD, required=True, key="prompts_source",
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    if source == UPLOAD:
        _upload()
    elif source == HUB:
        _hub()
    elif source == EVAL:
        choose_eval()
    else:
        _sample()


def _upload() -> None:
    """Read each uploaded file once; its error stays as long as the file does."""
    file = st.file_uploader(
        "CSV, JSON, JSON lines or Parquet, up to 64 MB",
        key="prompts_upload",
        help="One row per prompt: columns, or chats as TRL, OpenAI, verl and ShareGPT write them. "
        "The format is recognised by content, whatever the file's name.",
    )
    if file is None:
        return
    seen, error = st.session_state.get(SEEN, (None, None))
    if seen != file.file_id:
        error = None
        try:
            with st.spinner("Reading the file …"):
                start_draft(read_table(file.getvalue(), file.name))
        except RftError as problem:
            error = problem
        st.session_state[SEEN] = (file.file_id, error)
    if error:
        show_error(error)
        st.caption("Nothing was imported, and what you had is untouched.")


def _hub() -> None:
    with st.form("prompts_hub", border=False):
        name = st.text_input(
            "Dataset", key="prompts_hub_name", placeholder="openai/gsm8k, or a local folder"
        )
        subset, split, limit = st.columns(3)
        with subset:
            subset_name = st.text_input("Subset", key="prompts_hub_subset", placeholder="main")
        with split:
            split_name = st.text_input("Split", "train", key="prompts_hub_split")
        with limit:
            most = st.number_input("Rows at most", 1, 200_000, 1_000, key="prompts_hub_limit")
        wanted = st.form_submit_button("Fetch", icon=":material/cloud_download:")
    if wanted and not name.strip():
        st.warning("Name a dataset first, such as openai/gsm8k.")
    elif wanted:
        _fetch(name.strip(), split_name.strip() or "train", int(most), subset_name.strip() or None)


def _fetch(name: str, split: str, limit: int, subset: str | None) -> None:
    """Blocks with a progress line; Cancel reruns the page, which ends the reading."""
    place, cancel = st.empty(), st.empty()
    show = progress_into(place)
    show(LoadProgress("Asking the hub"))
    cancel.button("Cancel", key="prompts_hub_cancel", icon=":material/stop:")

    def on_progress(count: int) -> None:
        if count % max(1, limit // 100) == 0:
            show(LoadProgress(f"{count:,} of at most {limit:,} rows", count / limit))

    try:
        start_draft(load_hub_rows(name, split, limit, subset=subset, on_progress=on_progress))
    except RftError as error:
        place.empty()
        cancel.empty()
        show_error(error)
        return
    st.rerun()


def _sample() -> None:
    with st.container(border=True):
        name = st.selectbox(
            "Rows of a built-in task", [name for name, task in TASKS.items() if task.make_rows],
            key="prompts_sample_task", format_func=lambda name: TASKS[name].title,
            persist_state="session",
        )  # fmt: skip
        st.caption(plain(TASKS[name].description))
        use_sample_button("prompts_use_sample", name)


def use_sample_button(key: str, task: str = "countdown") -> None:
    if st.button("Use the sample", key=key, type="primary", icon=":material/science:"):
        title = f"{TASKS[task].title} sample"
        start_draft(load_sample() if task == "countdown" else _draw_rows(task), title, task=task)
        st.rerun()


def _draw_rows(task: str) -> Table:
    """Some of the rows that training on the task itself would draw."""
    rows, _ = TASKS[task].load(SAMPLE_ROWS, 0, 0)
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    whole = tuple({column: row.get(column) for column in columns} for row in rows)
    return Table(f"{task} (built in)", "built in", columns, whole)
