"""Where a question comes from: the task's example, a validation row, or what is typed."""

import json
from typing import Any

import streamlit as st

from pages.components.chat.conversation import ChatQuestion, Turn, ask_row, ask_text
from pages.components.page_header import plain, show_error
from rft_core.data import PromptSet
from rft_core.errors import BadInputError, RftError
from rft_core.tasks import TASKS
from rft_core.types import Row

LONGEST_LABEL = 40


def pick_question(prompts: PromptSet, turns: tuple[Turn, ...], system: str) -> ChatQuestion | None:
    """The buttons and the input; None where nothing was asked."""
    with st.container(horizontal=True, gap="small"):
        row = TASKS[prompts.task].example_row if prompts.task in TASKS else None
        if row and st.button(_label_row(row), icon=":material/bolt:", width="stretch"):
            return read_question(prompts, turns, json.dumps(dict(row)), system)
        rows = prompts.validation_rows or prompts.rows
        if st.button("A validation prompt", icon=":material/casino:", width="stretch"):
            row = rows[len(turns) % len(rows)]
            return ask_row(turns, prompts.ask(row), row)
    text = st.chat_input(f"A question, or a row such as {json.dumps(prompts.rows[0])[:70]}")
    if not text:
        return None
    try:
        return read_question(prompts, turns, text, system)
    except RftError as error:
        show_error(error)
        return None


def read_question(
    prompts: PromptSet, turns: tuple[Turn, ...], text: str, system: str, *, at: int | None = None
) -> ChatQuestion:
    """A row, if it is JSON, which begins a conversation; else text, which goes on with one.

    `at`: how many turns stay before it. Raises BadInputError for what is nearly a row.
    """
    if not text.lstrip().startswith("{"):
        return ask_text(turns, text, system, at=at)
    row = _read_row(text)
    return ask_row(turns, prompts.ask(row), row, at=at)


def _label_row(row: Row) -> str:
    """The columns of the example, as long as a button has room."""
    text = " → ".join(str(value).strip("[]") for value in row.values())
    return plain(text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…")


def _read_row(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError as error:
        raise BadInputError(
            "This starts like a row but is not JSON", str(error), 'Write {"column": value, ...}'
        ) from error
