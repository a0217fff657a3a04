"""Pair sets: made of judgements, of a run or of a file, listed, taken away, and trained from."""

import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.components.config_form import draft_values, follow_method, set_draft
from pages.components.durations import age_text
from pages.components.page_header import plain, show_error, shown_errors
from pages.components.preferences.run_groups import make_pairs_of_run
from pages.components.suited_settings import suited_settings
from rft_core.config import METHODS
from rft_core.data import PairSet, make_pair_set, read_table
from rft_core.data.pair_lines import read_pairs, write_pairs
from rft_core.errors import NotFoundError, RftError
from rft_core.evaluation.run_pairs import find_source_run
from rft_core.jobs.pinning import store_pair_set
from rft_core.paths import get_runs_dir
from rft_core.preferences.pairs import derive_pairs, find_judged_run, pairs_from_judgements
from rft_core.store.index import open_index
from rft_core.store.preferences import Judgement
from rft_core.store.runs import get_run
from rft_core.store.sets import get_set, list_sets
from rft_core.tasks import CUSTOM_TASK, TASKS

TRAINED = [method for method in METHODS.values() if "pairs" in method.needs]
SAID = "pairs_said"  # what the last pair set was made of


def show_pair_sets(judgements: Sequence[Judgement]) -> None:
    st.space("small")
    st.subheader("Pairs to train on", anchor=False)
    made, graded, imported = st.columns(3, gap="large")
    with made:
        _make(judgements)
    with graded:
        _make_of_run()
    with imported:
        _import()
    if said := st.session_state.pop(SAID, None):
        st.success(plain(said), icon=":material/check_circle:")
    _list(judgements)


def _make(judgements: Sequence[Judgement]) -> None:
    derived = derive_pairs(judgements)
    st.markdown("**From the judgements**")
    st.caption(derived.describe())
    with st.form("make-pairs", border=False):
        name = st.text_input("Name", "Judgements", key="pairs_name")
        share = _share("pairs_share")
        made = st.form_submit_button(
            "Make a pair set", type="primary", icon=":material/compare_arrows:",
            disabled=not derived.pairs,
        )  # fmt: skip
    if made:
        with shown_errors(), open_index(get_runs_dir()) as index:
            pair_set, _ = pairs_from_judgements(judgements, name, validation_share=share)
            store_pair_set(index, pair_set)
        _say(pair_set, derived.describe())


def _make_of_run() -> None:
    st.markdown("**From a run's groups**")
    st.caption("What it sampled for one prompt: the best-rewarded answers against the worst.")
    with shown_errors():
        found = make_pairs_of_run(lambda: _share("graded_share"))
    if found:
        with shown_errors(), open_index(get_runs_dir()) as index:
            store_pair_set(index, found[0])
        _say(found[0], found[1].describe())


def _import() -> None:
    st.markdown("**From a file**")
    st.caption("Lines of `prompt`, `chosen`, `rejected`, as TRL's preference datasets have them.")
    with st.form("import-pairs", border=False, clear_on_submit=True):
        file = st.file_uploader("JSON lines, CSV or Parquet", key="pairs_file")
        share = _share("import_share")
        sent = st.form_submit_button("Import", icon=":material/upload:")
    if not sent or file is None:
        return
    try:
        with st.spinner("Reading the file …"):
            found = read_pairs(read_table(file.getvalue(), file.name))
        pair_set = make_pair_set(file.name.rsplit(".", 1)[0], found.pairs, share)
        with open_index(get_runs_dir()) as index:
            store_pair_set(index, pair_set)
    except RftError as error:
        show_error(error)
        st.caption("Nothing was imported.")
        return
    _say(pair_set, found.describe())


def _share(key: str) -> float:
    return st.slider(
        "Held out", 0.0, 0.5, 0.1, 0.05, key=key, format="percent",
        help="Pairs to validate on; all pairs of one prompt are on one side.",
    )  # fmt: skip


def _say(pair_set: PairSet, about: str) -> None:
    sides = f"{len(pair_set.train_pairs):,} to train on, {len(pair_set.validation):,} held out"
    st.session_state[SAID] = f"{pair_set.name}: {about} {sides[0].upper()}{sides[1:]}."
    st.rerun()


def _list(judgements: Sequence[Judgement]) -> None:
    with shown_errors(), open_index(get_runs_dir()) as index:
        stored = list_sets(index, "pairs")
    if not stored:
        return
    st.markdown(f"**Stored pair sets** · {len(stored)}")
    with st.container(border=True, gap="xsmall"):
        for row in stored:
            _show_row(row, judgements)


def _show_row(row: dict[str, Any], judgements: Sequence[Judgement]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{plain(row['name'])} :gray[v{row['version']}]", width="content")
        age = age_text(time.time() - row["created_at"])
        st.caption(f"{row['num_rows']:,} pairs · {age}", width="stretch")
        st.download_button(
            "JSON lines", lambda: _read_lines(row["id"]), f"{row['id']}.jsonl", type="tertiary",
            key=f"take-{row['id']}", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        for method in TRAINED:
            if st.button(
                method.title, key=f"train-{method.name}-{row['id']}",
                icon=":material/arrow_forward:", help=method.summary,
            ):  # fmt: skip
                start_training(method.name, row, judgements)


def start_training(method: str, row: dict[str, Any], judgements: Sequence[Judgement]) -> None:
    """The Train page, with the method as it suits, the pairs, and the model that they are about."""
    draft, task = draft_values(), row["task"]
    about = {"task": task, **suited_settings(task, draft["model"])} if task in TASKS else {}
    about |= _read_judged(row["id"], judgements)
    set_draft({**draft, **about, "method": method, "stages": (), "pair_set": row["id"]})
    follow_method()
    st.switch_page("train.py")


def _read_judged(id: str, judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Of the run whose answers they are its model and task, and the prompts of a custom one."""
    pairs = _read_pairs(id)
    judged = find_judged_run(pairs, judgements) or find_source_run(pairs)
    if judged is None:
        return {}
    try:
        with open_index(get_runs_dir()) as index:
            config = get_run(index, judged).config
    except NotFoundError:  # deleted since
        return {}
    prompts = config.prompt_set if config.task == CUSTOM_TASK else None
    return {
        "task": config.task, "model": config.model, "prompt_set": prompts,
        "max_completion_length": config.max_completion_length,
    }  # fmt: skip


def _read_pairs(id: str) -> PairSet:
    with open_index(get_runs_dir()) as index:
        return PairSet.from_json(get_set(index, "pairs", id).content)


def _read_lines(id: str) -> str:
    return write_pairs(_read_pairs(id).pairs)
