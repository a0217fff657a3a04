"""The widgets between a table and a prompt set: task and columns, template, split."""

from dataclasses import replace

import streamlit as st

from pages.components.page_header import plain
from pages.components.prompts.draft import PromptDraft
from pages.components.workflow import remembered, section
from rft_core.data import ColumnMapping, PromptSet, PromptTemplate, suggest_mapping
from rft_core.data.nested import list_columns
from rft_core.tasks import CUSTOM_TASK, TASKS, Task
from rft_core.tasks.prompt_import import ANSWER_COLUMNS, suggest_template
from rft_core.tasks.published_formats import adopt_table


def choose_task(draft: PromptDraft) -> tuple[PromptDraft, str, ColumnMapping]:
    """What the rows are for, the draft with its table as that task reads it, and which column is
    which of the task's fields. Raises BadInputError where the task can use no row.
    """
    section(2, "Task and columns", "A built-in task brings a template and rewards.")
    names = [*TASKS, CUSTOM_TASK]
    columns = st.columns(3)
    with columns[0]:
        name = st.selectbox(
            "Task", names, index=names.index(draft.task), key=draft.key("task"),
            persist_state="session",
            format_func=lambda name: TASKS[name].title if name in TASKS else "Custom",
            help="Custom: you write the template and the rewards. "
            + " ".join(f"**{task.title}**: {task.description}" for task in TASKS.values()),
        )  # fmt: skip
    if name in TASKS:
        adopted = remembered(
            "prompts_adopted", (draft.id, name), lambda: adopt_table(draft.table, name)
        )
        if adopted.notice:
            st.warning(plain(adopted.notice))
        draft = replace(draft, table=adopted.table)
        return draft, name, _map_fields(draft, TASKS[name], columns[1:])
    with columns[1]:
        kept = st.multiselect(
            "Columns to keep", draft.table.columns, default=draft.table.columns,
            key=draft.key("kept"), persist_state="session",
            help="Templates and rewards use them by name.",
        )  # fmt: skip
    if len(kept) == len(draft.table.columns):
        return draft, name, ColumnMapping({})
    return draft, name, ColumnMapping({column: column for column in kept}, keep_unmapped=False)


def write_template(draft: PromptDraft, task: str, mapping: ColumnMapping) -> PromptTemplate:
    own = draft.template if task == draft.task else None
    default = own or suggest_template(draft.table, task, mapping.columns)
    about_chats = (
        "`{{ messages }}` is the row's chat: its turns stay turns, and what you write around it is "
        "added to the last one. " if default.asks_chats else ""
    )  # fmt: skip
    section(
        3, "Template",
        "Jinja: each column is a variable, such as "
        + ", ".join(f"{{{{ {plain(name)} }}}}" for name in draft.table.columns[:4])
        + f". {about_chats}Ctrl+Enter applies what you typed.",
    )  # fmt: skip
    form = f"{task}-chats" if default.asks_chats else task
    system, user = st.columns([1, 2], gap="medium")
    with system:
        system_text = st.text_area(
            "System message", default.system, key=draft.key(f"{form}-system"), height=130,
            persist_state="session", placeholder="None",
        )  # fmt: skip
    with user:
        user_text = st.text_area(
            "User message", default.user, key=draft.key(f"{form}-user"), height=130,
            persist_state="session",
        )  # fmt: skip
    return PromptTemplate(system_text or "", user_text or "")


def choose_split(draft: PromptDraft) -> tuple[int, int]:
    section(
        4, "Split", "Validation prompts are never trained on: they show what a reward is worth."
    )
    left, right = st.columns([3, 1], vertical_alignment="bottom", gap="medium")
    with left:
        share = st.slider(
            "Share for validation", 5, 50, draft.share, 5, format="%d%%", key=draft.key("share"),
            persist_state="session",
        )  # fmt: skip
    with right:
        seed = st.number_input(
            "Seed", 0, 2**31 - 1, draft.seed, key=draft.key("seed"), persist_state="session"
        )
    return int(share), int(seed)


def pick_answer_columns(draft: PromptDraft, prompt_set: PromptSet) -> tuple[str, ...]:
    """Columns with gold answers, which no prompt may give away."""
    columns = list(dict.fromkeys(column for row in prompt_set.rows[:50] for column in row))
    default = [column for column in columns if column.casefold() in ANSWER_COLUMNS]
    if prompt_set.task in TASKS and _is_choice(TASKS[prompt_set.task]):
        default = []  # the prompt has to name every choice, the right one among them
    chosen = st.multiselect(
        "Columns with the right answer", columns, default=default,
        key=draft.key(f"{prompt_set.task}-answers"), persist_state="session", placeholder="None",
        help="Prompts are searched for them: a prompt that gives its answer away is no task.",
    )  # fmt: skip
    return tuple(chosen)


def _is_choice(task: Task) -> bool:
    return any(entry.grader == "choice" for entry in task.reward_set.entries)


def _map_fields(draft: PromptDraft, task: Task, places: list[object]) -> ColumnMapping:
    suggested = suggest_mapping(draft.table, task.fields)
    options = list(list_columns(draft.table))
    chosen: dict[str, str] = {}
    for number, field in enumerate(task.fields):
        guess = suggested.get(field.name)
        with places[number % len(places)]:  # type: ignore[attr-defined]
            column = st.selectbox(
                f"{field.name} ← column", options,
                index=options.index(guess) if guess else None,
                key=draft.key(f"{task.name}-{field.name}"), persist_state="session",
                placeholder="Choose a column", help=f"Its type: {task.columns[field.name]}",
            )  # fmt: skip
        if column:
            chosen[field.name] = column
    others = len(set(draft.table.columns) - set(chosen.values()))
    keep = not others or st.toggle(
        f"Keep the other {others} columns" if others > 1 else "Keep the other column", value=True,
        key=draft.key("keep"), persist_state="session",
        help="Templates and rewards can then use them by name.",
    )  # fmt: skip
    return ColumnMapping(chosen, keep)
