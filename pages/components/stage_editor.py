"""The stages of a run on the Train page: a row each with its method, its length, its settings."""

from typing import Any

import streamlit as st

from pages.components.config_form import draft_values, field_bounds, follow_method
from rft_core.config import (
    METHODS,
    RECIPES,
    complete_stages,
    read_stages,
    stage_settings,
    write_epochs,
)

KEY = "config.stages"
TURN = "stages_turn"  # a new one makes new widgets, which take their values from the text
NEW_STAGE = "grpo 100"
EPOCHS = "num_train_epochs"
FIRST_LENGTH = {"steps": 40, "epochs": 2.0}  # where a stage is to be as long in another unit
RECIPE_TITLES = {
    "sft_grpo": "SFT, then GRPO",
    "sft_offline_st": "SFT, then Offline-ST",
    "sft_online_st": "SFT, then Online-ST",
    "reft": "ReFT: SFT, then PPO",
    "offline_st_grpo": "Offline-ST, then GRPO",
    "rlhf": "RLHF: a reward model, then PPO",
}


def stage_editor() -> list[str]:
    """Draw the rows; the methods of the stages in order, none where the run has no stages."""
    st.session_state.setdefault(KEY, "")
    rows = _read_rows()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Stages**" if rows else "**Or in stages**")
        for name, text in RECIPES.items():
            st.button(RECIPE_TITLES[name], key=f"recipe-{name}", on_click=_set_text, args=(text,))
        if rows:
            joined = "; ".join([st.session_state[KEY], NEW_STAGE])
            st.button("Add a stage", on_click=_set_text, args=(joined,))
            st.button("One method", on_click=_set_text, args=("",))
    for number, row in enumerate(rows):
        _draw_row(number, row, len(rows))
    if rows:
        st.caption(
            "A stage begins with the newest policy of those before it; Offline-ST samples with it "
            "and learns from the base. A stage's settings override those below: "
            "`learning_rate=1e-4 warmup_steps=10`."
        )
    return [row["method"] for row in rows]


def _draw_row(number: int, row: dict[str, Any], count: int) -> None:
    method, length, unit, settings = st.columns([4, 3, 2, 7])
    change = {"on_change": _rewrite, "args": (count,), "label_visibility": "collapsed"}
    names = list(METHODS)
    key = _key(number)
    method.selectbox(
        f"Method of stage {number + 1}", names, names.index(row["method"]), key=f"{key}.method",
        format_func=lambda name: METHODS[name].title, **change,
    )  # fmt: skip
    epochs = row["settings"].get(EPOCHS)
    if epochs:
        low, high = field_bounds(EPOCHS)
        length.number_input(
            f"Epochs of stage {number + 1}", float(low), float(high), float(epochs), 1.0, "%g",
            key=f"{key}.length", help="Counted into steps at launch.", **change,
        )  # fmt: skip
    else:
        length.number_input(
            f"Steps of stage {number + 1}", 1, None, int(row["max_steps"]), key=f"{key}.length",
            **change,
        )  # fmt: skip
    unit.selectbox(
        f"Unit of stage {number + 1}", list(FIRST_LENGTH), index=int(bool(epochs)),
        key=f"{key}.unit", **change,
    )  # fmt: skip
    others = {name: value for name, value in row["settings"].items() if name != EPOCHS}
    settings.text_input(
        f"Settings of stage {number + 1}", " ".join(f"{k}={v}" for k, v in others.items()),
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
    state, before = st.session_state, _read_rows()
    lines, is_same = [], True
    for number, old in zip(range(count), before, strict=False):
        method, length, unit, settings = (
            state[f"{_key(number)}.{part}"] for part in ("method", "length", "unit", "settings")
        )
        if method != old["method"]:
            is_same, settings = False, _keep_settings(settings, old["method"], method)
        if unit != ("epochs" if old["settings"].get(EPOCHS) else "steps"):
            is_same, length = False, FIRST_LENGTH[unit]
        said = write_epochs(length) if unit == "epochs" else str(length)
        lines.append(f"{method} {said} {settings}".strip())
    state[KEY] = "; ".join(lines)
    if not is_same:
        _set_text(state[KEY])


def _keep_settings(settings: str, old: str, new: str) -> str:
    """Those that the new method reads, and that did not come with the old one."""
    kept = [
        word
        for word in settings.split()
        if (name := word.partition("=")[0]) not in METHODS[old].suited
        and name in stage_settings(METHODS[new])
    ]
    return " ".join(kept)


def _set_text(text: str) -> None:
    """A callback: other stages than before, with what suits their methods, in new widgets."""
    st.session_state[KEY] = text
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    follow_method()
    st.session_state[KEY] = complete_stages(text, draft_values())
