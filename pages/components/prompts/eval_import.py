"""An eval from elsewhere: what will be made of it, what cannot come along, and saving both sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from pages.components.config_form import draft_values, set_draft
from pages.components.page_header import plain, show_error, shown_errors
from pages.components.prompts.row_table import show_rows
from pages.components.suited_settings import suited_settings
from pages.components.workflow import remembered
from rft_core.data import PromptSet, PromptTemplate
from rft_core.errors import RftError
from rft_core.jobs.pinning import store_prompt_set
from rft_core.paths import get_runs_dir
from rft_core.rewards.exchange.evals.eval_file import EvalText, read_eval
from rft_core.rewards.exchange.evals.imported_eval import ImportedEval
from rft_core.store.index import open_index
from rft_core.store.sets import ensure_set, list_sets
from rft_core.tasks import CUSTOM_TASK

LARGEST_MB = 16


@dataclass(frozen=True)
class Made:
    """An eval, and the prompt set of it, or what was wrong with it."""

    imported: ImportedEval | None = None
    prompt_set: PromptSet | None = None
    error: RftError | None = None


def choose_eval() -> None:
    """Files in, a look at what they become, and a button that saves both."""
    st.caption(
        "OpenAI Evals (`testing_criteria` with `data_source_config`) or a Promptfoo configuration: "
        "its rows become prompts, its graders or assertions become rewards."
    )
    file = st.file_uploader(
        "The eval: JSON or YAML", key="eval_file", type=["json", "yaml", "yml"],
        max_upload_size=LARGEST_MB,
    )  # fmt: skip
    others = st.file_uploader(
        "What it keeps elsewhere: rows, the run, tests", key="eval_others",
        type=["json", "jsonl", "yaml", "yml", "csv"], accept_multiple_files=True,
        max_upload_size=LARGEST_MB,
        help="An eval names the columns of its rows. The rows are in the file of its data, how the "
        "model is asked is in its run.",
    )  # fmt: skip
    if file is None:
        return
    template = _ask_otherwise()
    files = [file, *others]
    inputs = (tuple(one.file_id for one in files), template)
    with st.spinner("Reading the eval …"):
        made: Made = remembered("eval_made", inputs, lambda: _make(files, template))
    if made.error or made.imported is None or made.prompt_set is None:
        _show_error(made.error)
        return
    _show_what_is_made(made.imported, made.prompt_set)
    _save(made.imported, made.prompt_set)


def _ask_otherwise() -> PromptTemplate | None:
    with st.expander("Ask in another way", icon=":material/edit:"):
        system = st.text_area("System message", key="eval_system", height=70, placeholder="None")
        user = st.text_area(
            "User message, in place of the eval's prompt", key="eval_user", height=90,
            placeholder="{{ question }}",
            help="Jinja: each value of a row is a variable.",
        )  # fmt: skip
    return PromptTemplate(system or "", user) if user and user.strip() else None


def _make(files: Sequence[Any], template: PromptTemplate | None) -> Made:
    try:
        texts = [EvalText(file.name, file.getvalue().decode("utf-8-sig")) for file in files]
        imported = read_eval(texts[0], texts[1:], template)
        return Made(imported, imported.make_prompt_set())
    except UnicodeDecodeError:
        return Made(error=RftError("A file is not UTF-8 text", "", "Save it as UTF-8"))
    except RftError as error:
        return Made(error=error)


def _show_error(error: RftError | None) -> None:
    """Parts that cannot come along are a line each."""
    if error is None:
        return
    parts = error.why.split("; ")
    if len(parts) < 2:
        show_error(error)
        return
    lines = "\n".join(f"- {plain(part)}" for part in parts)
    st.error(f"**{plain(error.what)}**\n{lines}", icon=":material/error:")


def _show_what_is_made(imported: ImportedEval, prompt_set: PromptSet) -> None:
    rows, rewards = prompt_set.rows, imported.rewards
    st.markdown(
        f"**What will be made** ({imported.source}): {len(rows):,} prompts, "
        f"{len(prompt_set.validation_rows):,} of them for validation, and {len(rewards.entries)} "
        + ("reward functions" if len(rewards.entries) > 1 else "reward function")
    )
    st.dataframe(
        {
            "reward": list(rewards.names),
            "judged by": [entry.grader for entry in rewards.entries],
            "weight": list(rewards.weights),
        },
        hide_index=True, alt="The reward functions",
    )  # fmt: skip
    with st.expander("The first prompt, and the rows", icon=":material/visibility:"):
        for message in prompt_set.prompts(rows[:1])[0]:
            st.caption(plain(message["role"]))
            st.code(message["content"], language=None, wrap_lines=True)
        show_rows(rows, alt=f"Rows of {imported.name}")
    if imported.remarks:
        st.info("  \n".join(map(plain, imported.remarks)), icon=":material/info:")
    if imported.unsupported:
        lines = "\n".join(f"- {plain(part)}" for part in imported.unsupported)
        st.warning(f"**These parts cannot be imported**\n{lines}", icon=":material/block:")


def _save(imported: ImportedEval, prompt_set: PromptSet) -> None:
    """Storing is idempotent: what is stored already is said, with the way on."""
    if _is_stored(imported, prompt_set):
        _ways_on(imported, prompt_set)
        return
    name = st.text_input("Name", imported.name, key=f"eval_name_{prompt_set.id}", max_chars=80)
    agreed = not imported.unsupported or st.checkbox(
        "Leave these parts out", key=f"eval_partial_{prompt_set.id}"
    )
    clicked = st.button(
        "Save prompts and rewards", type="primary", icon=":material/save:", key="eval_save",
        disabled=not agreed,
    )  # fmt: skip
    if clicked:
        chosen = (name or "").strip() or imported.name
        rewards = replace(imported.rewards, name=chosen)
        with shown_errors(), open_index(get_runs_dir()) as index:
            store_prompt_set(index, replace(prompt_set, name=chosen))
            ensure_set(index, "rewards", id=rewards.id, name=chosen, content=rewards.to_json())
        st.rerun()


def _is_stored(imported: ImportedEval, prompt_set: PromptSet) -> bool:
    with shown_errors(), open_index(get_runs_dir()) as index:
        stored = {row["id"] for kind in ("prompts", "rewards") for row in list_sets(index, kind)}
    return {prompt_set.id, imported.rewards.id} <= stored


def _ways_on(imported: ImportedEval, prompt_set: PromptSet) -> None:
    chosen = {"prompt_set": prompt_set.id, "reward_set": imported.rewards.id}
    st.markdown(
        f":material/check_circle: Stored: prompts `{prompt_set.id}`, rewards "
        f"`{imported.rewards.id}`"
    )
    with st.container(horizontal=True):
        if st.button("Next: try the rewards", type="primary", icon=":material/arrow_forward:",
                     key="eval_to_rewards"):  # fmt: skip
            st.switch_page(
                "rewards.py",
                query_params={"prompts": prompt_set.id, "rewards": imported.rewards.id},
            )
        if st.button("Train", icon=":material/model_training:", key="eval_to_train"):
            draft = draft_values()
            suited = suited_settings(CUSTOM_TASK, draft["model"])
            set_draft({**draft, **suited, "task": CUSTOM_TASK, **chosen})
            st.switch_page("train.py")
