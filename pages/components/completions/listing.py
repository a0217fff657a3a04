"""The list of generations: one page of it, which one is selected, and the way to its neighbours.

The selected generation is `?g=` in the address. A page is held by the id it starts from, so that
generations which arrive meanwhile move nothing: they wait behind a button.
"""

import re
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from pages.components.untrusted_text import spell_unseen
from rft_core.paths import get_runs_dir
from rft_core.store.generations import StoredGeneration, list_generations
from rft_core.store.run_reader import open_run
from rft_core.store.search import GenerationFilter

PAGE_ROWS = 50
ANCHOR = "generations_anchor"
_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)


@dataclass(frozen=True)
class ListPage:
    """Rows newest first. `newer` and `older`: the nearest generation beyond each end, if any."""

    rows: list[StoredGeneration]
    selected: int
    newer: int | None
    older: int | None

    @property
    def generation(self) -> StoredGeneration:
        return self.rows[self.selected]


def read_page(run_id: str, where: GenerationFilter) -> ListPage | None:
    """The page that holds `?g=`, else the one looked at last, else the newest. None: no match."""
    wanted = _wanted()
    known, anchor = st.session_state.get(ANCHOR, (None, None))
    if known != (run_id, where):
        anchor = None
    with open_run(get_runs_dir(), run_id) as db:
        rows = list_generations(db, where, limit=PAGE_ROWS + 1, before_id=anchor)
        if wanted is not None and all(row.id != wanted for row in rows[:PAGE_ROWS]):
            found = list_generations(db, where, limit=PAGE_ROWS + 1, before_id=wanted + 1)
            if found and found[0].id == wanted:
                rows = found
        if not rows:
            return None
        newer = list_generations(
            db, where, limit=PAGE_ROWS, before_id=rows[0].id, newest_first=False
        )
    st.session_state[ANCHOR] = ((run_id, where), rows[0].id + 1)
    shown = rows[:PAGE_ROWS]
    return ListPage(
        rows=shown,
        selected=next((i for i, row in enumerate(shown) if row.id == wanted), 0),
        newer=newer[0].id if newer else None,
        older=rows[PAGE_ROWS].id if len(rows) > PAGE_ROWS else None,
    )


def show_list(page: ListPage, height: int) -> None:
    """The table; selecting a row opens it."""
    key = f"generations-{page.rows[0].id}"
    ids = [row.id for row in page.rows]
    st.session_state[key] = {"selection": {"rows": [page.selected], "columns": [], "cells": []}}

    def select() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        if chosen:
            st.query_params["g"] = str(ids[chosen[0]])

    st.dataframe(
        _frame(page.rows),
        hide_index=True,
        height=height,
        key=key,
        on_select=select,
        selection_mode="single-row-required",
        alt="Generations that match the filters, newest first",
        column_config={
            "step": st.column_config.NumberColumn("step", width=52),
            "reward": st.column_config.NumberColumn("reward", width=62, format="%.2f"),
            "marks": st.column_config.TextColumn("", width=36, help="✂ truncated, ⚑ flagged"),
            "answer": st.column_config.TextColumn("answer"),
        },
    )


def show_moves(page: ListPage) -> None:
    """Previous and next, also by the keys K and J, across the ends of a page."""
    at, rows = page.selected, page.rows
    before = rows[at - 1].id if at > 0 else page.newer
    after = rows[at + 1].id if at + 1 < len(rows) else page.older
    st.button("Previous", key="previous", shortcut="K", icon=":material/keyboard_arrow_up:",
              disabled=before is None, on_click=select_generation, args=(before,))  # fmt: skip
    st.button("Next", key="next", shortcut="J", icon=":material/keyboard_arrow_down:",
              disabled=after is None, on_click=select_generation, args=(after,))  # fmt: skip


def select_generation(id: int | None) -> None:
    if id is not None:
        st.query_params["g"] = str(id)


def show_newest() -> None:
    """Forget what was selected and where the page began."""
    st.query_params.pop("g", None)
    st.session_state.pop(ANCHOR, None)


def newest_id(run_id: str, where: GenerationFilter) -> int:
    with open_run(get_runs_dir(), run_id) as db:
        rows = list_generations(db, where, limit=1)
    return rows[0].id if rows else 0


def top_id() -> int | None:
    """The newest generation of the page last read; None before the first."""
    _, anchor = st.session_state.get(ANCHOR, (None, None))
    return anchor - 1 if anchor is not None else None


def answer_of(completion: str) -> str:
    """The last `<answer>`, else the end of the text: what a list has room for."""
    found = _ANSWER.findall(completion)
    text = found[-1] if found else completion[-80:]
    return spell_unseen(" ".join(text.split()))


def _wanted() -> int | None:
    value = st.query_params.get("g", "")
    return int(value) if value.isdecimal() and len(value) < 19 else None


def _frame(rows: list[StoredGeneration]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "step": [row.step for row in rows],
            "reward": [row.reward for row in rows],
            "marks": ["✂" * row.truncated + "⚑" * bool(row.flags) for row in rows],
            "answer": [answer_of(row.completion) for row in rows],
        }
    )
