"""From a table to a prompt set: what the Prompts page and `prompts import` suggest, and both do.

A table is first read as what it is (`adopt_prompts`), a task's columns and template are suggested
for it, and the plan with all that was chosen becomes a prompt set, or one error that names a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rft_core.data.chats import CHAT, get_asked
from rft_core.data.mapping import ColumnMapping, RowField, suggest_mapping
from rft_core.data.prompt_set import PromptSet, import_table
from rft_core.data.row_forms import Adopted, adopt_rows
from rft_core.data.table import Table
from rft_core.data.template import WHOLE_CHAT, PromptTemplate, ask_chats
from rft_core.tasks import CUSTOM_TASK, TASKS, get_task
from rft_core.tasks.published_formats import adopt_table

ANSWER_COLUMNS = (
    *("answer", "solution", "gold", "label", "final_answer", "ground_truth", "reference_answer"),
    *("reference", "completion", "response", "output"),
)
VALIDATION = 0.2  # share of the rows, where nobody says another
_SAMPLE = 50


@dataclass(frozen=True)
class ImportPlan:
    """Everything that makes a table a prompt set, but the table and its name.

    `task` is a built-in one or "custom". `validation` below 1 is a share of the rows, from 1 on
    their number.
    """

    task: str
    mapping: ColumnMapping
    template: PromptTemplate
    validation: float = VALIDATION
    seed: int = 0

    def build(self, table: Table, name: str) -> PromptSet:
        """Raises BadInputError, with the row where there is one."""
        return import_table(
            table, name=name, template=self.template, mapping=self.mapping,
            fields=get_fields(self.task), task=self.task if self.task in TASKS else None,
            validation=self.validation, seed=self.seed,
        )  # fmt: skip


def adopt_prompts(table: Table, task: str) -> Adopted:
    """The table as `task` reads it: chats turn by turn, published formats in its columns.

    Raises `BadInputError` where no row can be used, `NotFoundError` for an unknown task.
    """
    rows = adopt_rows(table)
    if task == CUSTOM_TASK:
        return rows
    published = adopt_table(rows.table, get_task(task).name)
    return replace(
        published,
        format=published.format or rows.format,
        left_out=rows.left_out + published.left_out,
        remark=rows.remark,
    )


def suggest_plan(table: Table, task: str, columns: Mapping[str, str] | None = None) -> ImportPlan:
    """For an adopted table. `columns` (field -> column) are chosen already; the others guessed."""
    mapping = suggest_mapping(table, get_fields(task)) | dict(columns or {})
    return ImportPlan(task, ColumnMapping(mapping), suggest_template(table, task, mapping))


def suggest_template(table: Table, task: str, mapping: Mapping[str, str]) -> PromptTemplate:
    """The task's, around the chats where one of its fields is taken from them; for a custom task
    the chats, or the text column with the longest texts, as it is.
    """
    if task in TASKS:
        asked = next((field for field, column in mapping.items() if column == CHAT), None)
        template = TASKS[task].template
        return ask_chats(template, asked) if asked else template
    return PromptTemplate("", WHOLE_CHAT if has_chats(table) else _print_column(table))


def has_chats(table: Table) -> bool:
    """Whether the rows of an adopted table hold chats to ask."""
    return any(get_asked(row) for row in table.rows[:_SAMPLE])


def get_fields(task: str) -> tuple[RowField, ...]:
    """What the task needs in every row; nothing for a custom one."""
    return () if task == CUSTOM_TASK else get_task(task).fields


def _print_column(table: Table) -> str:
    sample = table.rows[:_SAMPLE]
    if {"instruction", "input", "prompt"} <= set(table.columns):
        return "{{ prompt }}"  # Alpaca's, with both in it
    candidates = [c for c in table.columns if c.casefold() not in ANSWER_COLUMNS] or table.columns
    column = max(candidates, key=lambda c: sum(len(str(row[c] or "")) for row in sample))
    plain_name = column.isidentifier() and column.isascii()
    return f"{{{{ {column} }}}}" if plain_name else f"{{{{ row[{column!r}] }}}}"
