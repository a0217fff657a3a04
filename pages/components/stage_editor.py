"""The stages of a run on the Train page: a row each with its method, its steps, its settings."""

from typing import Any

import streamlit as st

from rft_core.config import METHODS, RECIPES, read_stages

KEY = "config.stages"
TURN = "stages_turn"  # a new one makes new widgets, which take their values from the text
NEW_STAGE = "grpo 100"
RECIPE_TITLES = {"sft_grpo": "SFT, then GRPO"}


def stage_editor() -> list[str]:
    """Draw the rows; the methods of the stages in order, none where the run has no stages."""
    st.session_state.setdefault(KEY, "")
    rows = _read_rows()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Stages**" if rows else "**Or in stages**")
        for name, text in RECIPES.items():
            title = RECIPE_TITLES.get(name, name)
            st.button(title, key=f"recipe-{name}", on_click=_set_text, args=(text,))
        if rows:
            joined = "; ".join([st.session_state[KEY], NEW_STAGE])
            st.button("Add a stage", on_click=_set_text, args=(joined,))
            st.button("One method", on_click=_set_text, args=("",))
    for number, row in enumerate(rows):
        _draw_row(number, row, len(rows))
    if rows:
        st.caption(
            "A stage begins with the adapter that the one before left. Its settings override those "
            "below: `learning_rate=1e-4 warmup_steps=10`."
        )
    return [row["method"] for row in rows]


def _draw_row(number: int, row: dict[str, Any], count: int) -> None:
    method, steps, settings = st.columns([1, 1, 3])
    change = {"on_change": _rewrite, "args": (count,), "label_visibility": "collapsed"}
    names = list(METHODS)
    key = _key(number)
    method.selectbox(
        f"Method of stage {number + 1}", names, names.index(row["method"]), key=f"{key}.method",
        format_func=lambda name: METHODS[name].title, **change,
    )  # fmt: skip
    steps.number_input(
        f"Steps of stage {number + 1}", 1, None, int(row["max_steps"]), key=f"{key}.steps", **change
    )
    settings.text_input(
        f"Settings of stage {number + 1}", " ".join(f"{k}={v}" for k, v in row["settings"].items()),
        key=f"{key}.settings", placeholder="settings of this stage alone", **change,
    )  # fmt: skip


def _read_rows() -> list[dict[str, Any]]:
    try:
        return [dict(row) for row in read_stages(st.session_state[KEY])]
    except ValueError as error:
        st.error(f"The stages cannot be read: {error}")
        return []


def _key(number: int) -> str:
    return f"stage.{st.session_state.get(TURN, 0)}.{number}"


def _rewrite(count: int) -> None:
    """A callback: what the rows hold becomes the text, which is the one truth."""
    state = st.session_state
    lines = [
        f"{state[f'{_key(n)}.method']} {state[f'{_key(n)}.steps']} {state[f'{_key(n)}.settings']}"
        for n in range(count)
    ]
    state[KEY] = "; ".join(line.strip() for line in lines)


def _set_text(text: str) -> None:
    """A callback: other stages than before, in new widgets."""
    st.session_state[KEY] = text
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
