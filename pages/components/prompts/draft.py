"""The table a user works on until it is saved as a prompt set. Kept for the session.

Widgets of a draft have keys that begin with its id, so that a new draft starts fresh and an old
one's settings never leak into it.
"""

import uuid
from dataclasses import dataclass
from pathlib import PurePosixPath

import streamlit as st

from rft_core.data import PromptSet, PromptTemplate, Table, suggest_mapping
from rft_core.data.row_forms import adopt_rows
from rft_core.tasks import CUSTOM_TASK, TASKS
from rft_core.tasks.published_formats import guess_published_task

KEY = "prompt_draft"


@dataclass(frozen=True)
class PromptDraft:
    """A table, and what to begin with: a task (or "custom"), a template, a split and a name.

    Without a template, what suits the task and the columns. `remark` says what became of the rows
    on their way here, `notice` which were left out.
    """

    id: str
    table: Table
    task: str
    template: PromptTemplate | None
    name: str
    remark: str = ""
    notice: str = ""
    share: int = 20  # percent of the rows for validation
    seed: int = 0

    def key(self, part: str) -> str:
        return f"{self.id}-{part}"


def start_draft(table: Table, name: str = "", task: str = "") -> None:
    """Begin with a new table, named after its file. A stored set is no longer looked at.

    Raises BadInputError where no row of it can be used; then nothing has changed.
    """
    adopted = adopt_rows(table)
    table = adopted.table
    task = task or guess_published_task(table) or guess_task(table)
    name = name or PurePosixPath(table.name).stem
    _keep(PromptDraft(_new_id(), table, task, None, name, adopted.remark, adopted.notice))


def start_draft_from(stored: PromptSet) -> None:
    """Begin with a stored set's rows and settings; saving a change makes a new set."""
    columns = tuple(dict.fromkeys(column for row in stored.rows for column in row))
    rows = tuple({column: row.get(column) for column in columns} for row in stored.rows)
    table = Table(stored.source or stored.name, "stored", columns, rows)
    share = round(100 * len(stored.split.validation) / max(len(rows), 1))
    task = stored.task if stored.task in TASKS else CUSTOM_TASK
    _keep(
        PromptDraft(
            _new_id(), table, task, stored.template, stored.name,
            share=min(max(share, 5), 50), seed=stored.split.seed,
        )
    )  # fmt: skip


def get_draft() -> PromptDraft | None:
    return st.session_state.get(KEY)


def guess_task(table: Table) -> str:
    """The first built-in task whose required columns are all there, by name; else custom."""
    for name, task in TASKS.items():
        if {field.name for field in task.fields if field.required} <= set(table.columns):
            found = suggest_mapping(table, task.fields)
            if all(found.get(field.name) == field.name for field in task.fields if field.required):
                return name
    return CUSTOM_TASK


def _keep(draft: PromptDraft) -> None:
    st.session_state[KEY] = draft
    st.query_params.pop("set", None)


def _new_id() -> str:
    return f"prompts-{uuid.uuid4().hex[:8]}"
