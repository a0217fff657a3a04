"""The table of all runs: search, filters, groups, and which rows are selected.

Selected runs are remembered by id, not by row: what is launched or deleted meanwhile moves no
selection to another run. Sorting is the table's own, in the browser, and survives a redraw.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pages.components.runs.badge import STATE_LOOKS
from pages.components.untrusted_text import spell_unseen
from rft_core.store.listing.run_lines import RunLine

TABLE, ORDER, SELECTED = "run_table", "run_table_order", "run_table_selected"
ROW_HEIGHT, MOST_HEIGHT = 38, 640  # pixels
MOST_ROWS = 15  # that are shown without scrolling
NO_GROUP = "nothing"


def _date(line: RunLine) -> str:
    return f"{datetime.fromtimestamp(line.status.run.created_at):%Y-%m-%d}"


def _method(line: RunLine) -> str:
    return " → ".join(line.status.run.config.method_titles)


# By which runs can be put together: what is said of a run, one word each.
GROUPS: Mapping[str, Callable[[RunLine], str]] = {
    "task": lambda line: line.status.run.config.task,
    "method": _method,
    "model": lambda line: line.status.run.config.model,
    "name": lambda line: line.status.run.name or line.id,
    "state": lambda line: line.status.state,
    "tags": lambda line: ", ".join(line.labels.tags) or "no tag",
    "day": _date,
}


@dataclass(frozen=True)
class TableView:
    """What is looked for. Empty fields do not filter."""

    text: str = ""
    states: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    archived: bool = False
    group: str = NO_GROUP


def choose_view(lines: Sequence[RunLine], tags: Sequence[str]) -> TableView:
    """Draw the search and the filters; what they hold is in the address too."""
    states = [state for state in STATE_LOOKS if any(line.status.state == state for line in lines)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Search", key="q", bind="query-params", placeholder="name, task, model, tag …",
            icon=":material/search:", width=220,
        )  # fmt: skip
        chosen = st.multiselect("State", states, key="run_states", placeholder="any", width=160)
        tagged = st.multiselect(
            "Tags", tags, key="run_tags", placeholder="any", width=160, disabled=not tags
        )
        group = st.selectbox(
            "Group by", [NO_GROUP, *GROUPS], key="group", bind="query-params", width=130
        )
        archived = st.toggle(
            "Archived", key="archived", bind="query-params", help="Show what was put aside as well."
        )
    return TableView(text, tuple(chosen), tuple(tagged), archived, group or NO_GROUP)


def filter_lines(lines: Sequence[RunLine], view: TableView) -> list[RunLine]:
    """In the order of the list; of a group, all together, groups by name."""
    kept = [line for line in lines if _is_wanted(line, view)]
    if view.group in GROUPS:
        kept.sort(key=GROUPS[view.group])  # stable: newest first within a group
    return kept


def show_table(lines: Sequence[RunLine], view: TableView) -> list[RunLine]:
    """Draw it; the lines that are selected, in the order of the table."""
    order = [line.id for line in lines]
    selected = set(st.session_state.get(SELECTED, ())) & set(order)
    if st.session_state.get(ORDER) != order:
        rows = [at for at, id in enumerate(order) if id in selected]
        st.session_state[TABLE] = {"selection": {"rows": rows}}
        st.session_state[ORDER], st.session_state[SELECTED] = order, tuple(selected)
    frame = make_frame(lines, view)
    st.dataframe(
        frame, hide_index=True, key=TABLE, on_select=_remember, selection_mode="multi-row",
        row_height=ROW_HEIGHT, height="content" if len(lines) <= MOST_ROWS else MOST_HEIGHT,
        column_config=_describe_columns(frame), placeholder="–", alt="All runs, a row each",
    )  # fmt: skip
    return [line for line in lines if line.id in st.session_state.get(SELECTED, ())]


def forget_selection() -> None:
    """What was done with the selected runs is done."""
    st.session_state[SELECTED] = ()
    st.session_state.pop(ORDER, None)


def make_frame(lines: Sequence[RunLine], view: TableView) -> pd.DataFrame:
    """A row for each run. The group, where there is one, stands first."""
    rows = [_describe(line) for line in lines]
    if view.group in GROUPS:
        names = [GROUPS[view.group](line) for line in lines]
        counts = {name: names.count(name) for name in names}
        heads = [f"{spell_unseen(name)} · {counts[name]}" for name in names]
        rows = [{"Group": head, **row} for head, row in zip(heads, rows, strict=True)]
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else None)


def _describe(line: RunLine) -> dict[str, object]:
    status = line.status
    config = status.run.config
    return {
        "Run": spell_unseen(status.run.label),
        "State": [_name_state(status.state)],
        "Begun": datetime.fromtimestamp(status.run.created_at, UTC),
        "Curve": list(line.curve),
        "Reward": status.last_train.get("reward"),
        "Validation": status.last_validation.get("reward"),
        "Step": status.step,
        "Minutes": status.duration / 60 if status.duration else None,
        "Task": spell_unseen(config.task),
        "Method": _method(line),
        "Tags": list(line.labels.tags) + (["archived"] if line.labels.is_archived else []),
        "Model": spell_unseen(config.model),
    }


def _describe_columns(frame: pd.DataFrame) -> dict[str, object]:
    column = st.column_config
    states = [_name_state(state) for state in STATE_LOOKS]
    colors = [color for color, _ in STATE_LOOKS.values()]
    tags = sorted({tag for own in frame.get("Tags", ()) for tag in own})
    return {
        "Group": column.TextColumn(pinned=True),
        "Run": column.TextColumn(pinned=True, width=205),
        "State": column.MultiselectColumn(options=states, color=colors, width=105),
        "Begun": column.DatetimeColumn(format="distance", width=115),
        "Curve": column.LineChartColumn(
            "Reward so far", width=130, help="Training reward, oldest to newest; else validation."
        ),
        "Reward": column.NumberColumn("Last reward", format="%.3f", width=88),
        "Validation": column.NumberColumn(format="%.3f", width=82, help="Last validation reward."),
        "Step": column.NumberColumn(width=58),
        "Minutes": column.NumberColumn(format="%.1f", width=70, help="Of training."),
        "Task": column.TextColumn(width=110),
        "Method": column.TextColumn(width=90),
        "Tags": column.MultiselectColumn(options=tags, color="auto", width=140),
        "Model": column.TextColumn(width=170),
    }


def _remember() -> None:
    """A callback: rows of the table as it was drawn last, as ids."""
    order = st.session_state.get(ORDER, [])
    rows = st.session_state[TABLE]["selection"]["rows"]
    st.session_state[SELECTED] = tuple(order[row] for row in rows if row < len(order))


def _is_wanted(line: RunLine, view: TableView) -> bool:
    if line.labels.is_archived and not view.archived:
        return False
    if view.states and line.status.state not in view.states:
        return False
    if view.tags and not set(view.tags) <= set(line.labels.tags):
        return False
    run = line.status.run
    said = [run.id, run.name, run.config.task, run.config.model, _method(line), *line.labels.tags]
    text = " ".join(said).casefold()
    return all(word in text for word in view.text.casefold().split())


def _name_state(state: str) -> str:
    return state.replace("_", " ")
