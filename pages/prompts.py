"""Prompts: a file or dataset becomes a prompt set, with the exact string the model will see."""

from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.page_header import page_header, plain, show_error, shown_errors
from pages.components.prompts.draft import PromptDraft, get_draft
from pages.components.prompts.lint_table import show_findings
from pages.components.prompts.preview import show_preview
from pages.components.prompts.row_table import show_rows
from pages.components.prompts.source import choose_source, use_sample_button
from pages.components.prompts.steps import (
    choose_split,
    choose_task,
    pick_answer_columns,
    write_template,
)
from pages.components.prompts.stored import next_button, show_stored, stored_prompt_list
from pages.components.workflow import remembered, section
from rft_core.data import PromptSet, lint_prompts
from rft_core.errors import RftError
from rft_core.jobs.pinning import store_prompt_set
from rft_core.paths import get_runs_dir
from rft_core.store.index import open_index
from rft_core.store.sets import list_sets
from rft_core.tasks.prompt_import import ImportPlan
from rft_core.tasks.row_check import check_prompt_set
from rft_core.types import Problem


def main() -> None:
    page_header("Prompts", "Bring prompts, map their columns, and see exactly what the model sees.")
    source, stored = st.columns([3, 2], gap="large")
    with source:
        choose_source()
    with stored:
        stored_prompt_list()
    draft = get_draft()
    if (opened := st.query_params.get("set")) and show_stored(opened):
        return
    if draft is None:
        nothing_yet()
    else:
        work_on(draft)


def nothing_yet() -> None:
    with st.container(border=True):
        st.subheader("Ten prompts are enough to begin with", anchor=False)
        st.write(
            "Upload a table with a row per prompt. Labels are not needed where a program can check "
            "the answer. Or look around with the sample: 60 Countdown puzzles, which the model "
            "that ships with RFT Studio can learn."
        )
        use_sample_button("prompts_first_sample")


def work_on(draft: PromptDraft) -> None:
    """Columns, template, split, checks, save. What waits for a model is drawn last, in place."""
    table = draft.table
    section(
        1, "Rows",
        f"{len(table.rows):,} rows and {len(table.columns)} columns from {plain(table.name)}",
    )  # fmt: skip
    show_rows(table.rows, alt=f"Rows of {table.name}")
    if draft.notice:
        st.warning(plain(draft.notice))
    if draft.remark:
        st.caption(plain(draft.remark))
    try:
        draft, task, mapping = choose_task(draft)
    except RftError as error:
        show_error(error)
        return
    template = write_template(draft, task, mapping)
    preview = st.container()
    share, seed = choose_split(draft)
    plan = ImportPlan(task, mapping, template, share / 100, seed)
    try:
        prompt_set = remembered("prompts_built", (draft.id, plan), lambda: build(plan, draft))
    except RftError as error:
        with preview:
            show_error(error)
        return
    st.caption(
        f"Training gets **{len(prompt_set.train_rows):,}**, validation "
        f"**{len(prompt_set.validation_rows):,}**. Equal prompts stay on one side, "
        "and adding rows later moves almost none."
    )
    checks, findings = check(draft, plan, prompt_set)
    save(draft, prompt_set)
    with preview:
        st.markdown("**What the model sees**")
        rendered = show_preview(prompt_set, key=draft.id)
    if rendered and (more := rendered.findings()):
        with checks.container():
            show_findings([*more, *findings])


def build(plan: ImportPlan, draft: PromptDraft) -> PromptSet:
    with st.spinner("Rendering every row …"):
        return plan.build(draft.table, draft.name)


def check(
    draft: PromptDraft, plan: ImportPlan, prompt_set: PromptSet
) -> tuple[DeltaGenerator, list[Problem]]:
    """The findings, and the place where they stand: the preview may know more."""
    section(5, "Checks", "What often goes wrong, found before any training time is spent.")
    answers = pick_answer_columns(draft, prompt_set)

    def lint() -> list[Problem]:
        with st.spinner("Checking every row …"):
            return lint_prompts(
                prompt_set.rows, prompt_set.prompts(), template=prompt_set.template,
                answer_columns=answers,
            )  # fmt: skip

    whatever_the_split = (draft.id, replace(plan, validation=0, seed=0))
    scorable = remembered(
        "prompts_scorable", whatever_the_split, lambda: find_unscorable(prompt_set)
    )
    linted = remembered("prompts_lint", (*whatever_the_split, answers), lint)
    findings = [*scorable, *linted]
    place = st.empty()
    with place.container():
        show_findings(findings)
    return place, findings


def find_unscorable(prompt_set: PromptSet) -> list[Problem]:
    """By the task's own rewards: of a custom task nobody knows yet what will judge."""
    with st.spinner("Asking the graders about every row …"):
        found = check_prompt_set(prompt_set)
    problems = found.list_problems() if found else []
    return [replace(problem, where="") for problem in problems]  # of the whole set, not of a row


def save(draft: PromptDraft, prompt_set: PromptSet) -> None:
    """Storing is idempotent: the same content is the same set, however often it is saved."""
    section(6, "Save", "A stored set never changes; runs name it by the hash of its content.")
    stored = find_stored(prompt_set.id)
    name_place, save_place = st.columns([2, 1], vertical_alignment="bottom")
    with name_place:
        name = st.text_input(
            "Name", draft.name, key=draft.key("name"), max_chars=80, persist_state="session"
        )
    with save_place:
        clicked = st.button(
            "Save prompt set", type="primary", icon=":material/save:", width="stretch",
            key=draft.key("save"), disabled=stored is not None,
        )  # fmt: skip
    if clicked:
        with shown_errors(), open_index(get_runs_dir()) as index:
            store_prompt_set(index, replace(prompt_set, name=(name or "").strip() or draft.name))
        st.rerun()  # the list of stored sets, above, is drawn anew
    if stored:
        with st.container(horizontal=True, vertical_alignment="center"):
            next_button(stored["id"])
            st.markdown(
                f":material/check_circle: Stored as **{plain(stored['name'])}** · `{stored['id']}`",
                width="content",
            )


def find_stored(id: str) -> dict[str, Any] | None:
    with shown_errors(), open_index(get_runs_dir()) as index:
        return next((row for row in list_sets(index, "prompts") if row["id"] == id), None)


main()
